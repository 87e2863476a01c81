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
  notSaved: {
    vi: "Máy chưa ghi được việc đổi ca (đĩa đầy hoặc hỏng); người trực vẫn như cũ; xin báo kỹ thuật",
    en: "The change could not be saved (disk full or broken); duty stays as it was; tell the technician",
  },
  fileDamaged: {
    vi: "Tệp đăng nhập trên máy bị hỏng nên mọi người cần nhận lại mã qua điện thoại; các lượt quét không mất",
    en: "The sign-in file of this machine was damaged, so everybody needs a new code by phone; no scan was lost",
  },
  notKnownHere: {
    vi: "Máy này không còn nhớ người đó; xin nhận mã qua điện thoại",
    en: "This machine no longer knows that member; ask for a code by phone",
  },
  pinFormat: { vi: "PIN gồm 4 đến 8 chữ số", en: "A PIN has 4 to 8 digits" },
  pinWeak: {
    vi: "PIN này dễ đoán; đừng dùng số lặp, số liền nhau, năm sinh hay số điện thoại",
    en: "This PIN is easy to guess; use no repeated or consecutive digits, birth year or phone number",
  },
  pinsDiffer: { vi: "Hai lần nhập không giống nhau; xin nhập lại", en: "The two PINs differ; please type them again" },
  pinNone: {
    vi: "Người này chưa đặt PIN trên máy này; xin nhận mã qua điện thoại",
    en: "No PIN was chosen on this machine; ask for a code by phone",
  },
  pinWait: { vi: "Sai PIN nhiều lần; xin chờ rồi thử lại", en: "Too many wrong PINs; wait, then try again" },
  pinLocked: {
    vi: "PIN đã bị khóa vì sai quá nhiều lần; xin nhận mã qua điện thoại",
    en: "The PIN is locked after too many wrong ones; ask for a code by phone",
  },
  pinsClosed: {
    vi: "Máy này có quá nhiều lần sai PIN; xin một người nhận mã qua điện thoại để mở lại",
    en: "Too many wrong PINs on this machine; somebody must sign in with a code by phone to open them again",
  },
  failed: { vi: "Chưa đăng nhập được; xin thử lại", en: "Signing in failed; please try again" },
} satisfies Record<string, Sentence>;

export function wrongPin(triesLeft: number): Sentence {
  return {
    vi: `PIN không đúng; còn ${triesLeft} lần thử`,
    en: `Wrong PIN; ${triesLeft} ${triesLeft === 1 ? "try" : "tries"} left`,
  };
}

/** Read by whoever stands at the machine next: `who` is the name the owner gave, or the masked phone. */
export function removedByOwner(who: string): Sentence {
  return {
    vi: `${who} không còn quyền quét ở điểm này nên đã thôi trực; các lượt đã quét vẫn được giữ và gửi`,
    en: `${who} may no longer scan at this place and was put off duty; what was scanned is kept and sent`,
  };
}
