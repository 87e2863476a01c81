import { computed, effect, signal } from "@preact/signals";

const vi = {
  title: "Ra vào trực tiếp",
  switchLanguage: "English",
  signInTitle: "Đăng nhập để xem",
  signInHint: "Dùng số điện thoại đã được chủ điểm cho phép. Tên và số giấy tờ luôn được che bớt.",
  phone: "Số điện thoại",
  who: "Tôi là",
  staff: "Nhân viên",
  owner: "Chủ điểm",
  sendCode: "Gửi mã",
  code: "Mã 6 số vừa gửi tới {phone}",
  signIn: "Đăng nhập",
  otherPhone: "Đổi số khác",
  resend: "Gửi lại mã",
  resendIn: "Gửi lại sau {s} giây",
  signOut: "Đăng xuất",
  choose: "Chọn điểm cần xem",
  noPlace: "Số này chưa phụ trách điểm nào.",
  changePlace: "Đổi điểm",
  insideNow: "Đang ở trong",
  inToday: "Vào hôm nay",
  outToday: "Ra hôm nay",
  latest: "Mới nhất",
  scannerWindow: "Người quét chỉ thấy 20 lượt của 15 phút gần nhất.",
  time: "Giờ",
  direction: "Hướng",
  name: "Họ tên",
  number: "Số giấy tờ",
  kind: "Loại mã",
  reader: "Máy quét",
  in: "Vào",
  out: "Ra",
  late: "gửi muộn",
  clockUnsure: "giờ chưa chắc",
  empty: "Chưa có lượt nào. Lượt mới sẽ hiện ở đây.",
  noName: "(không có tên)",
  live: "Trực tiếp",
  connecting: "Đang kết nối…",
  offline: "Mất kết nối từ {time} – số liệu có thể đã cũ, đang thử lại",
  polling: "Cập nhật mỗi 15 giây (đang mở quá nhiều trang)",
  rightsEnded: "Quyền xem điểm này đã kết thúc.",
  signedOut: "Phiên đăng nhập đã kết thúc. Xin đăng nhập lại.",
  role: { scanner: "Người quét", supervisor: "Giám sát", owner: "Chủ điểm" },
  kinds: {
    cccd: "Căn cước",
    bhyt: "Thẻ BHYT",
    personal: "QR cá nhân",
    certificate: "Giấy chứng nhận",
    number: "Số",
    "tram-personal": "Mã Trạm QR",
  } as Record<string, string>,
  problems: {
    network: "Không kết nối được máy chủ. Kiểm tra mạng rồi thử lại.",
    validation: "Số điện thoại chưa đúng.",
    wrong_code: "Mã chưa đúng. Còn {left} lần thử.",
    challenge_expired: "Mã đã hết hạn. Xin gửi mã mới.",
    phone_not_authorised: "Số này chưa có trong danh sách nhân viên. Nhờ chủ điểm thêm số.",
    rate_limited: "Đã gửi nhiều lần. Thử lại sau {s} giây.",
    locked: "Sai mã quá nhiều lần. Thử lại sau {s} giây.",
    other: "Máy chủ chưa trả lời được. Thử lại sau.",
  } as Record<string, string>,
};

export type Texts = typeof vi;

const en: Texts = {
  title: "Live in and out",
  switchLanguage: "Tiếng Việt",
  signInTitle: "Sign in to watch",
  signInHint: "Use a phone number the owner has allowed. Names and document numbers are always partly hidden.",
  phone: "Phone number",
  who: "I am",
  staff: "Staff",
  owner: "Owner",
  sendCode: "Send code",
  code: "The 6-digit code just sent to {phone}",
  signIn: "Sign in",
  otherPhone: "Use another number",
  resend: "Send the code again",
  resendIn: "Send again in {s} s",
  signOut: "Sign out",
  choose: "Choose a place",
  noPlace: "This number serves no place yet.",
  changePlace: "Change place",
  insideNow: "Inside now",
  inToday: "In today",
  outToday: "Out today",
  latest: "Latest",
  scannerWindow: "Scanners see the 20 latest scans of the last 15 minutes only.",
  time: "Time",
  direction: "Direction",
  name: "Name",
  number: "Document number",
  kind: "Code",
  reader: "Reader",
  in: "In",
  out: "Out",
  late: "arrived late",
  clockUnsure: "time unsure",
  empty: "No scans yet. New ones appear here.",
  noName: "(no name)",
  live: "Live",
  connecting: "Connecting…",
  offline: "No connection since {time} – figures may be old, trying again",
  polling: "Updated every 15 seconds (too many pages are open)",
  rightsEnded: "Your right to watch this place has ended.",
  signedOut: "You have been signed out. Please sign in again.",
  role: { scanner: "Scanner", supervisor: "Supervisor", owner: "Owner" },
  kinds: {
    cccd: "Citizen card",
    bhyt: "Health insurance",
    personal: "Personal QR",
    certificate: "Certificate",
    number: "Number",
    "tram-personal": "Trạm QR code",
  },
  problems: {
    network: "The service cannot be reached. Check the network and try again.",
    validation: "This is not a valid phone number.",
    wrong_code: "The code is wrong. {left} tries are left.",
    challenge_expired: "The code has expired. Ask for a new one.",
    phone_not_authorised: "This number is not on any staff list. Ask the owner to add it.",
    rate_limited: "Too many codes were asked for. Try again in {s} s.",
    locked: "Too many wrong codes. Try again in {s} s.",
    other: "The service cannot answer now. Try again later.",
  },
};

export const language = signal<"vi" | "en">("vi");
export const texts = computed<Texts>(() => (language.value === "vi" ? vi : en));

effect(() => {
  document.documentElement.lang = language.value;
  document.title = `Trạm QR – ${texts.value.title}`;
});

/** `fill("in {s} s", { s: 5 })` → `in 5 s`. */
export function fill(text: string, values: Record<string, string | number>): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

/** `14:03:22` in Vietnam, with the day when it is not today's. */
export function clockTime(iso: string | number, now = Date.now()): string {
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) return "–";
  const zone = { timeZone: "Asia/Ho_Chi_Minh" } as const;
  const day = new Intl.DateTimeFormat("en-GB", { ...zone, day: "2-digit", month: "2-digit" });
  const time = new Intl.DateTimeFormat("en-GB", { ...zone, timeStyle: "medium" }).format(at);
  return day.format(at) === day.format(now) ? time : `${time} · ${day.format(at)}`;
}
