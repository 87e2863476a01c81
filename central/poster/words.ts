/** What posters say, in Vietnamese and English. */
export type Language = "vi" | "en";

export interface PosterWords {
  readonly headline: string;
  readonly steps: string;
  readonly noPhone: string;
  readonly namelessPlace: string;
  codeFacts(facts: { number: string; version: number; issuedOn: string }): string;
  checkAt(address: string): string;
}

const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

export const posterWords: Record<Language, PosterWords> = {
  vi: {
    headline: "Quét mã khi vào và khi ra",
    steps: "Mở máy ảnh điện thoại, đưa vào mã này rồi làm theo hướng dẫn, cả khi vào và khi ra.",
    noPhone: "Không có điện thoại thông minh? Xin đưa CCCD hoặc thẻ BHYT cho người trực.",
    namelessPlace: "Điểm kiểm dịch",
    codeFacts: ({ number, version, issuedOn }) =>
      `Mã số ${number} · Phiên bản ${version} · Cấp ngày ${issuedOn.split("-").reverse().join("/")}`,
    checkAt: (address) => `Kiểm tra mã còn dùng: ${address}`,
  },
  en: {
    headline: "Scan when you enter and when you leave",
    steps: "Point your phone camera at this code and follow the steps, on entering and on leaving.",
    noPhone: "No smartphone? Show your ID card or health-insurance card to the staff.",
    namelessPlace: "Checkpoint",
    codeFacts: ({ number, version, issuedOn }) => {
      const [year = "", month = "", day = ""] = issuedOn.split("-");
      return `Code ${number} · Version ${version} · Issued ${Number(day)} ${months[Number(month) - 1] ?? ""} ${year}`;
    },
    checkAt: (address) => `Is this poster current? ${address}`,
  },
};
