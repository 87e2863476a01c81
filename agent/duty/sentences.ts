import type { Sentence } from "../kiosk-port/view.ts";

/** What a clerk reads while signing in. */
export const dutySentences = {
  phoneFormat: {
    vi: "Số điện thoại không đúng; nhập 10 số, ví dụ 0900000001",
    en: "Not a phone number; enter 10 digits, for example 0900000001",
  },
  codeFormat: { vi: "Mã gồm 6 chữ số", en: "The code has 6 digits" },
  offline: {
    vi: "Không có mạng nên chưa đăng nhập được; máy vẫn ghi bình thường",
    en: "No connection, so signing in must wait; the station keeps recording",
  },
  wait: { vi: "Xin chờ một phút rồi thử lại", en: "Please wait a minute and try again" },
  wrongCode: { vi: "Mã không đúng; xin nhập lại", en: "Wrong code; please enter it again" },
  codeExpired: { vi: "Mã đã hết hạn; xin lấy mã mới", en: "The code has expired; ask for a new one" },
  notAllowed: {
    vi: "Số này chưa được chủ điểm cho phép quét; xin báo chủ điểm",
    en: "The owner has not allowed this phone to scan; ask the owner",
  },
  notThisPlace: {
    vi: "Số này không thuộc điểm của máy này; xin báo chủ điểm",
    en: "This phone does not serve this machine's place; ask the owner",
  },
  severalPlaces: {
    vi: "Số này phục vụ nhiều điểm; kỹ thuật xin ghi checkpointId vào cấu hình máy",
    en: "This phone serves several places; the technician must set checkpointId in the configuration",
  },
  failed: { vi: "Chưa đăng nhập được; xin thử lại", en: "Signing in failed; please try again" },
} satisfies Record<string, Sentence>;
