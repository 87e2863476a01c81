import type { GreyFrame } from "./frame-decoder.ts";

let planes = new Uint8Array(0);
let canvas: OffscreenCanvas | undefined;

/**
 * The grey of a camera's frame. The brightness of planar formats (I420 of MJPEG cameras, NV12) is the first plane and is
 * copied as it is; anything else is drawn and weighed. The result is valid until the next call.
 */
export async function greyOfFrame(frame: VideoFrame): Promise<GreyFrame> {
  const { width, height } = frame.visibleRect ?? { width: frame.codedWidth, height: frame.codedHeight };
  if (/^(I4|NV)/.test(frame.format ?? "")) {
    const length = frame.allocationSize();
    if (planes.length !== length) planes = new Uint8Array(length);
    const [first] = await frame.copyTo(planes);
    if (first !== undefined) return withoutPadding(first, width, height);
  }
  return greyByDrawing(frame, width, height);
}

function withoutPadding({ offset, stride }: PlaneLayout, width: number, height: number): GreyFrame {
  if (stride !== width) {
    for (let y = 0; y < height; y++) planes.copyWithin(y * width, offset + y * stride, offset + y * stride + width);
    return { data: planes.subarray(0, width * height), width, height };
  }
  return { data: planes.subarray(offset, offset + width * height), width, height };
}

function greyByDrawing(frame: VideoFrame, width: number, height: number): GreyFrame {
  if (canvas?.width !== width || canvas.height !== height) canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (context === null) throw new Error("no 2d context in the worker");
  context.drawImage(frame, 0, 0, width, height);
  const { data } = context.getImageData(0, 0, width, height);
  const grey = new Uint8Array(width * height);
  // ITU-R BT.601 in 1/256.
  for (let at = 0, from = 0; at < grey.length; at++, from += 4) {
    grey[at] = (77 * (data[from] as number) + 150 * (data[from + 1] as number) + 29 * (data[from + 2] as number)) >> 8;
  }
  return { data: grey, width, height };
}
