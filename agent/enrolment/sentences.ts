import type { Sentence } from "../kiosk-port/view.ts";

/** What people read while a machine is enrolled. */
export const enrolmentSentences = {
  unreachable: {
    vi: "Chưa tới được máy chủ; đang thử lại, xin kiểm tra mạng",
    en: "The centre cannot be reached; trying again, check the network",
  },
  busy: { vi: "Máy chủ đang bận; đang thử lại", en: "The centre is busy; trying again" },
  invitationEnded: {
    vi: "Mã mời đã hết hạn hoặc đã dùng; xin tạo mã mời mới trên trang của chủ điểm",
    en: "This invitation has ended or was used; make a new one on the owner's page",
  },
  damagedInvitation: {
    vi: "Mã mời đọc chưa đúng; xin quét lại",
    en: "The invitation was read wrongly; scan it again",
  },
  taken: {
    vi: "Đã nhận mã mời; chủ điểm xin so mã trên màn hình này rồi bấm Duyệt",
    en: "Invitation taken; the owner compares this screen with the phone and approves",
  },
  alreadyEnrolled: {
    vi: "Máy này đã thuộc về một điểm; nhân viên xin mở “Đăng ký lại máy” trước khi quét mã mời",
    en: "This machine belongs to a place already; staff must open “Enrol again” before an invitation is scanned",
  },
  otherCentre: {
    vi: "Mã mời này của máy chủ khác; máy này chỉ dùng máy chủ đã đặt trong cấu hình",
    en: "This invitation is of another centre; this machine is configured for its own",
  },
  unsafeCentre: {
    vi: "Địa chỉ máy chủ trong mã mời không an toàn (phải là https)",
    en: "The address in this invitation is not safe (it must be https)",
  },
  unsentFirst: {
    vi: "Còn lượt chưa gửi tới máy chủ cũ; xin gửi hết trước khi chuyển máy chủ",
    en: "Entries for the present centre are still unsent; send them before this machine moves to another centre",
  },
  noCentre: {
    vi: "Máy chưa biết máy chủ nào; xin quét mã mời của chủ điểm",
    en: "This machine knows no centre; scan the owner's invitation",
  },
  denied: { vi: "Chủ điểm đã từ chối máy này", en: "The owner has refused this machine" },
  expired: {
    vi: "Mã đã hết hạn mà chưa ai duyệt; xin làm lại",
    en: "The code ended before anybody approved; start again",
  },
  refused: {
    vi: "Máy chủ không nhận yêu cầu này; báo kỹ thuật",
    en: "The centre does not take this request; call the technician",
  },
  notSaved: {
    vi: "Không ghi được vào đĩa; báo kỹ thuật",
    en: "It cannot be written to the disk; call the technician",
  },
  noKey: {
    vi: "Khóa của máy này không mở được; báo kỹ thuật",
    en: "The key of this machine cannot be opened; call the technician",
  },
  revoked: {
    vi: "Chủ điểm đã gỡ máy này; lượt đã ghi vẫn được gửi",
    en: "The owner has removed this machine; what it recorded is still sent",
  },
} satisfies Record<string, Sentence>;
