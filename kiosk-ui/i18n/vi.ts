/**
 * Every sentence of the page itself, Vietnamese first: the keys of this object are the keys of every language.
 * Sentences about codes, readers and sending come from the agent in both languages and are not repeated here.
 */
export const vi = {
  languageName: "Tiếng Việt",
  languageToggle: "Ngôn ngữ",
  placeUnnamed: "Trạm QR",
  insideCount: (count: number) => `Đang ở trong: ${count}`,

  startingTitle: "Đang khởi động",
  startingNext: "Vui lòng chờ trong giây lát.",
  readyTitle: "Mời quét mã",
  readyHold: "Đưa mã QR trên thẻ hoặc điện thoại vào đầu đọc, cách 10\u2060–\u206015\u00A0cm, giữ yên.",
  readyCards: "CCCD · BHYT · Mã QR cá nhân",
  disconnectedTitle: "Mất kết nối với máy trạm",
  disconnectedNext: "Đang kết nối lại… Vui lòng chờ, chưa quét mã.",
  disconnectedStaff: "Nếu kéo dài quá 1 phút, nhân viên hãy khởi động lại Trạm QR.",
  noTokenTitle: "Trang chưa được mở đúng cách",
  noTokenNext: "Hãy mở màn hình này từ chương trình Trạm QR trên máy.",

  directionIn: "Vào",
  directionOut: "Ra",
  directionAuto: "Tự động",
  recorded: "Đã ghi nhận",
  nameUnreadable: "Không đọc được tên",
  laneLabel: "Lối",
  timeLabel: "Lúc",
  repeatIn: "Đã vào rồi",
  repeatOut: "Đã ra rồi",
  repeatSince: (time: string, ago: string) => `Đã ghi lúc ${time} (${ago} trước). Không cần quét lại.`,
  refusedLabel: "Không ghi nhận",
  askLabel: "Cần xác nhận",
  askConfirm: "Xác nhận",
  askSkip: "Bỏ qua",
  outOfOrderLabel: "Tạm ngừng phục vụ",
  dismiss: "Quét mã khác",

  underMinute: "dưới 1 phút",
  minutes: (count: number) => `${count} phút`,
  hours: (count: number) => `${count} giờ`,
  days: (count: number) => `${count} ngày`,

  queueLabel: "Gửi dữ liệu",
  queueAllSent: "Trực tuyến · đã gửi hết",
  queueSending: (count: number) => `Trực tuyến · đang gửi: ${count}`,
  queueOfflineEmpty: "Mất mạng – vẫn ghi bình thường",
  queueOffline: (count: number, oldest: string) => `Mất mạng – đã ghi, chờ gửi: ${count} (lâu nhất ${oldest})`,
  queueOfflineNoAge: (count: number) => `Mất mạng – đã ghi, chờ gửi: ${count}`,
  quarantined: (count: number) => `Bị máy chủ từ chối, giữ lại: ${count}`,

  readersLabel: "Đầu đọc mã",
  readersNone: "Chưa thấy đầu đọc nào",
  readerReady: "Sẵn sàng",
  readerConnecting: "Đang kết nối",
  readerFault: "Có lỗi",

  dutyLabel: "Nhân viên trực",
  dutyNobody: "Chưa có người trực",
  dutySignedIn: (who: string) => `Trực: ${who}`,
  dutyExpired: "Hết phiên – vẫn ghi, cần đăng nhập lại để gửi",
  dutyInProgress: "Đang đăng nhập…",
  signIn: "Đăng nhập",
  signInAgain: "Đăng nhập lại",
  signOut: "Đăng xuất",
  signInTitle: "Đăng nhập ca trực",
  signInWhy: "Quét mã vẫn hoạt động khi chưa đăng nhập; dữ liệu được giữ trên máy và gửi sau.",
  phoneLabel: "Số điện thoại nhân viên",
  phoneHint: "Ví dụ: 0912 345 678",
  phoneInvalid: "Nhập số điện thoại 10 chữ số, bắt đầu bằng số 0.",
  sendCode: "Gửi mã",
  sendingCode: (phone: string) => `Đang gửi mã đến ${phone}…`,
  codeSentTo: (phone: string) => `Mã 6 số đã gửi đến ${phone}.`,
  codeLabel: "Mã xác nhận (6 số)",
  codeInvalid: "Nhập đủ 6 chữ số.",
  confirmCode: "Xác nhận mã",
  verifyingCode: "Đang kiểm tra mã…",
  resendIn: (seconds: number) => `Gửi lại mã sau ${seconds} giây`,
  resend: "Đổi số hoặc gửi lại mã",
  cancel: "Hủy",
  close: "Đóng",
  keypad: "Bàn phím số",
  keypadDelete: "Xóa một số",

  staff: "Nhân viên",
  staffTitle: "Bảng nhân viên",
  recentTitle: "Lượt gần đây (15 phút)",
  recentEmpty: "Chưa có lượt nào.",
  recentSignedOut: "Đăng nhập để xem các lượt gần đây.",
  entryUnsent: "Chờ gửi",
  entryStored: "Đã gửi",
  entryDuplicate: "Đã gửi (trùng)",
  entryQuarantined: "Bị từ chối, giữ lại",

  keyboardAway: "Bàn phím đang thuộc cửa sổ khác. Chạm vào màn hình này rồi quét lại.",
  keyboardAdvice:
    "Có đầu đọc đang gửi mã như bàn phím. Nên chuyển sang cổng nối tiếp USB (USB COM) hoặc USB HID POS: quét mã cài đặt trong sách hướng dẫn của đầu đọc, khi đó đọc nhanh hơn và không bị bộ gõ tiếng Việt làm sai.",
};

/** The key set every language must fill; a function keeps its parameters, so a wrong count is a compile error too. */
export type Texts = {
  readonly [Key in keyof typeof vi]: (typeof vi)[Key] extends (...values: infer Values) => string
    ? (...values: Values) => string
    : string;
};
