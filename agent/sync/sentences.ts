import type { Sentence } from "../kiosk-port/view.ts";

/** Why entries wait, as the clerk reads it. Each says that nothing is lost. */
export const sendingSentences = {
  unreachable: {
    vi: "Không có mạng tới máy chủ; vẫn ghi, sẽ gửi sau",
    en: "No connection to the centre; still recording, sending later",
  },
  foreign: {
    vi: "Mạng này chặn máy chủ (trang đăng nhập wifi?); vẫn ghi, sẽ gửi sau",
    en: "This network answers in the centre's place (wifi sign-in page?); still recording, sending later",
  },
  clock: {
    vi: "Ngày giờ của máy này sai nên chưa gửi được; vẫn ghi, xin chỉnh lại ngày giờ",
    en: "This machine's date and time are wrong, so nothing can be sent; still recording, set the clock right",
  },
  busy: {
    vi: "Máy chủ đang bận; vẫn ghi, sẽ gửi sau",
    en: "The centre is busy; still recording, sending later",
  },
  signIn: {
    vi: "Cần nhân viên đăng nhập để gửi; vẫn ghi bình thường",
    en: "A staff member must sign in before sending; still recording",
  },
  notAllowed: {
    vi: "Tài khoản này không được gửi cho điểm này; vẫn ghi, báo chủ điểm",
    en: "This account may not send for this place; still recording, tell the owner",
  },
  notEnrolled: {
    vi: "Máy này chưa được chủ điểm duyệt nên chưa gửi được; lượt đã ghi vẫn giữ; xin báo chủ điểm",
    en: "The owner has not approved this machine, so nothing is sent yet; what was recorded is kept; tell the owner",
  },
  fault: {
    vi: "Máy chủ không hiểu phiên bản này; vẫn ghi, báo kỹ thuật",
    en: "The centre does not understand this version; still recording, call the technician",
  },
} satisfies Record<string, Sentence>;
