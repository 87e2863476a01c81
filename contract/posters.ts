import { z } from "zod";

/** How a place's poster is made; `both` prints Vietnamese first and English below it. */
export const posterRequest = z
  .object({
    format: z.enum(["pdf", "png"]),
    size: z.enum(["A4", "A5"]),
    language: z.enum(["vi", "en", "both"]),
  })
  .meta({ id: "PosterRequest" });
