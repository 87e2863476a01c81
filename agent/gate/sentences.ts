import type { AskReason, RefuseReason, RepeatReason } from "./verdict.ts";

/** One sentence in both languages, Vietnamese first. */
export interface Sentence {
  readonly vi: string;
  readonly en: string;
}

interface Notice {
  /** What happened. */
  readonly title: Sentence;
  /** What to do next. */
  readonly next: Sentence;
}

const showCard: Sentence = {
  vi: "Xin đưa CCCD, thẻ BHYT hoặc mã QR cá nhân.",
  en: "Please show an ID card, a health-insurance card or a personal QR code.",
};
const scanAgain: Sentence = {
  vi: "Xin quét lại, giữ thẻ phẳng và yên một giây.",
  en: "Please scan again; hold the card flat and still for a second.",
};
const askStaff: Sentence = {
  vi: "Nhân viên xin xem giấy tờ rồi bấm Xác nhận.",
  en: "Staff: look at the document, then press Confirm.",
};
const compareCard: Sentence = {
  vi: "Nhân viên: số trên thẻ không khớp giới tính hoặc năm sinh; xin xem thẻ rồi bấm Xác nhận.",
  en: "Staff: the number does not match sex or birth year; look at the card, then press Confirm.",
};

/** What a clerk reads when a scan is refused. */
export const refusals: Readonly<Record<RefuseReason, Notice>> = {
  "place-code": {
    title: { vi: "Đây là mã của địa điểm, không phải mã cá nhân", en: "This is a place's code, not a person's" },
    next: showCard,
  },
  "place-code-own": {
    title: { vi: "Mã thật của điểm này, bản đang dùng", en: "The genuine, current code of this place" },
    next: {
      vi: "Đây là mã để khách tự quét. Để ghi khách, xin quét CCCD hoặc thẻ BHYT.",
      en: "It is for visitors to scan. To record a visitor, scan an ID or health-insurance card.",
    },
  },
  "place-code-outdated": {
    title: { vi: "Mã thật của điểm này, nhưng là bản cũ", en: "A genuine code of this place, but an old one" },
    next: { vi: "Xin thay áp phích bằng bản mới.", en: "Replace the poster by the new one." },
  },
  "place-code-genuine": {
    title: { vi: "Mã thật, của một điểm khác", en: "A genuine code, of another place" },
    next: {
      vi: "Máy này không biết bản in đó còn mới không. Để ghi khách, xin quét CCCD hoặc thẻ BHYT.",
      en: "Whether that poster is current is not known here. To record a visitor, scan an ID or health-insurance card.",
    },
  },
  "place-code-forged": {
    title: { vi: "MÃ ĐỊA ĐIỂM GIẢ", en: "FORGED PLACE CODE" },
    next: {
      vi: "Xin gỡ áp phích này xuống và báo chủ điểm.",
      en: "Take this poster down and tell the owner of the place.",
    },
  },
  "place-code-unchecked": {
    title: { vi: "Mã của địa điểm, chưa kiểm tra được thật giả", en: "A place's code that cannot be checked here now" },
    next: {
      vi: "Khi có mạng, xin quét lại. Để ghi khách, xin quét CCCD hoặc thẻ BHYT.",
      en: "Scan it again when the network is there. To record a visitor, scan an ID or health-insurance card.",
    },
  },
  "place-suspended": {
    title: { vi: "Điểm này đang tạm dừng ghi", en: "This place is suspended" },
    next: {
      vi: "Chủ điểm đã tạm dừng; lượt đã ghi vẫn được gửi. Xin hỏi chủ điểm.",
      en: "The owner has suspended it; what was recorded is still sent. Please ask the owner.",
    },
  },
  "place-closed": {
    title: { vi: "Điểm này đã đóng, máy không ghi nữa", en: "This place is closed; nothing is recorded any more" },
    next: {
      vi: "Lượt đã ghi vẫn được gửi. Xin hỏi chủ điểm máy này sẽ dùng ở đâu.",
      en: "What was recorded is still sent. Ask the owner where this machine will serve.",
    },
  },
  "old-declaration": {
    title: { vi: "Mã khai báo y tế cũ không còn dùng được", en: "This old health-declaration code no longer works" },
    next: showCard,
  },
  "paper-label": {
    title: { vi: "Nhãn giấy này không cho biết là ai", en: "This paper label does not say who it is" },
    next: showCard,
  },
  "unknown-code": {
    title: { vi: "Mã này không phải mã cá nhân", en: "This code is not a personal code" },
    next: showCard,
  },
  truncated: {
    title: { vi: "Mã đọc chưa hết", en: "The code was read only in part" },
    next: scanAgain,
  },
  damaged: {
    title: { vi: "Mã bị hỏng hoặc đọc sai", en: "The code is damaged or was misread" },
    next: scanAgain,
  },
  "code-page": {
    title: { vi: "Đầu đọc gửi sai bảng mã chữ Việt", en: "The reader sent Vietnamese letters in a wrong code page" },
    next: {
      vi: "Xin quét lại; nếu vẫn lỗi, báo kỹ thuật đặt đầu đọc về UTF-8.",
      en: "Scan again; if it stays, ask the technician to set the reader to UTF-8.",
    },
  },
  "input-method": {
    title: { vi: "Bộ gõ tiếng Việt làm hỏng mã", en: "A Vietnamese input method changed the code" },
    next: {
      vi: "Tắt UniKey/EVKey (chuyển sang E) rồi quét lại.",
      en: "Switch UniKey/EVKey off (to E), then scan again.",
    },
  },
  "letters-lost": {
    title: { vi: "Đầu đọc làm mất chữ trong mã", en: "The reader lost letters of the code" },
    next: scanAgain,
  },
  "inconsistent-number": {
    title: { vi: "Số hoặc ngày trên mã không thể có thật", en: "A number or date in the code cannot be real" },
    next: scanAgain,
  },
  spoiled: {
    title: { vi: "Đầu đọc gửi dữ liệu quá dài hoặc bị đứt", en: "The reader sent too much or lost data" },
    next: scanAgain,
  },
  "no-person": {
    title: { vi: "Mã không cho biết là ai", en: "The code does not say who it is" },
    next: showCard,
  },
  "sign-in-required": {
    title: { vi: "Chưa có nhân viên đăng nhập", en: "No staff member is signed in" },
    next: { vi: "Nhân viên xin đăng nhập rồi quét lại.", en: "Staff: sign in, then scan again." },
  },
  "not-set-up": {
    title: { vi: "Máy chưa được đăng ký với điểm kiểm dịch nào", en: "This machine is not enrolled at any checkpoint" },
    next: {
      vi: "Chủ điểm xin đưa mã mời vào đầu đọc, rồi duyệt máy trên điện thoại.",
      en: "The owner shows an invitation to the reader, then approves this machine on the phone.",
    },
  },
  revoked: {
    title: { vi: "Máy này đã bị gỡ khỏi điểm", en: "This machine was removed from its checkpoint" },
    next: {
      vi: "Không ghi thêm ở máy này; xin báo chủ điểm. Lượt đã ghi vẫn được gửi.",
      en: "It records nobody any more; tell the owner. What it recorded is still sent.",
    },
  },
  invitation: {
    title: { vi: "Đây là mã mời của máy", en: "An invitation for a machine" },
    next: showCard,
  },
  "not-recorded": {
    title: { vi: "CHƯA GHI ĐƯỢC", en: "NOT RECORDED" },
    next: {
      vi: "Máy không ghi được; xin quét lại, báo kỹ thuật.",
      en: "The machine could not record; scan again and call the technician.",
    },
  },
  "not-confirmed": {
    title: { vi: "Chưa được nhân viên xác nhận", en: "Not confirmed by staff" },
    next: showCard,
  },
};

/** What staff read when they must look first. */
export const questions: Readonly<Record<AskReason, Notice>> = {
  "inconsistent-card": {
    title: { vi: "Xin chờ, nhân viên xem thẻ", en: "One moment, staff will look at the card" },
    next: compareCard,
  },
  "number-only": {
    title: { vi: "Mã chỉ có một con số", en: "The code is only a number" },
    next: askStaff,
  },
  "ambiguous-number": {
    title: { vi: "Số này có thể là mã BHXH hoặc mã bệnh nhân", en: "This may be an insurance or a patient number" },
    next: askStaff,
  },
};

export const repeats: Readonly<Record<RepeatReason, Sentence>> = {
  "same-scan": { vi: "Vừa quét xong", en: "Just scanned" },
  "already-inside": { vi: "Đã ghi vào trước đó", en: "Already recorded as in" },
  "already-outside": { vi: "Đã ghi ra trước đó", en: "Already recorded as out" },
};

export const accepted: Readonly<Record<"in" | "out", Sentence>> = {
  in: { vi: "Đã ghi: VÀO", en: "Recorded: IN" },
  out: { vi: "Đã ghi: RA", en: "Recorded: OUT" },
};
