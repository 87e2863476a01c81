/** What each finding means and what to do about it: for the screen in two languages, and for the technician in one line. */
import type { Sentence } from "../fingerprints.ts";
import { type Finding, type FindingCode, type Severity, severityOf } from "./findings.ts";

export interface Advice {
  readonly code: FindingCode;
  readonly severity: Severity;
  readonly title: Sentence;
  readonly next: Sentence;
  /** One English sentence with the detail: what it is and what to do. */
  readonly technician: string;
}

interface Row {
  readonly title: Sentence;
  readonly next: Sentence;
  readonly technician: string;
}

const betterMode: Sentence = {
  vi: "Chuyển đầu đọc sang USB COM hoặc USB HID POS bằng mã cài đặt trong sách hướng dẫn.",
  en: "Switch the reader to USB COM or USB HID POS with the setup code in its manual.",
};
const utf8Output: Sentence = {
  vi: "Quét mã cài đặt “UTF-8” (Output encoding) trong sách hướng dẫn của đầu đọc.",
  en: "Scan the setup code “UTF-8” (output encoding) in the reader's manual.",
};
const removeText: Sentence = {
  vi: "Quét mã cài đặt xóa tiền tố và hậu tố (Clear prefix/suffix), rồi đặt hậu tố là Enter (CR).",
  en: "Scan the setup codes that clear prefix and suffix, then set the suffix Enter (CR).",
};
const holdStill: Sentence = {
  vi: "Giữ yên mã trước đầu đọc rồi quét lại; nếu vẫn vậy, đổi dây hoặc cổng USB.",
  en: "Hold the code still and scan again; if it stays so, change the cable or the USB port.",
};

const rows: Readonly<Record<FindingCode, Row>> = {
  nothing: {
    title: { vi: "Không nhận được gì trong 30 giây", en: "Nothing received in 30 seconds" },
    next: {
      vi: "Đầu đọc không sáng đèn: bóp cò hoặc chuyển sang tự đọc (Presentation). Có tiếng bíp: đầu đọc đang gửi vào cổng khác hoặc chế độ khác.",
      en: "No light: pull the trigger or set presentation mode. It beeps: it sends to another port or in another mode.",
    },
    technician:
      "Nothing arrived in 30 s: if the reader does not light up, set presentation (automatic) trigger mode; if it beeps, it sends elsewhere: check with tram readers which mode and port it is on, and the baud rate of an RS-232 one.",
  },
  garbage: {
    title: { vi: "Dữ liệu nhận được không phải chữ", en: "What arrived is no text" },
    next: {
      vi: "Tốc độ cổng nối tiếp không khớp: thử 9600, 115200, 38400 hoặc 19200.",
      en: "The speed of the serial port does not match: try 9600, 115200, 38400 or 19200.",
    },
    technician:
      "Bytes arrived that are no text: the line speed is wrong, name the reader with ?baud=9600, 115200, 38400 or 19200; a Zebra may be in SSI mode, switch it to plain USB CDC.",
  },
  parity: {
    title: { vi: "Sai bit chẵn lẻ của cổng nối tiếp", en: "Wrong parity on the serial line" },
    next: {
      vi: "Quét mã cài đặt “8 bit, không chẵn lẻ” (8N1) của đầu đọc.",
      en: "Scan the reader's setup code for 8 bits, no parity (8N1).",
    },
    technician: "The top bit of the bytes is wrong: set the reader to 8 data bits without parity (8N1).",
  },
  "other-code": {
    title: { vi: "Đây không phải mã thử", en: "This is not the test code" },
    next: {
      vi: "Quét mã trên màn hình này. Mã vừa quét không được ghi nhận; người vừa quét xin quét lại sau khi thử xong.",
      en: "Scan the code on this screen. What was scanned now is not recorded; whoever it was scans again after the test.",
    },
    technician:
      "Another code was scanned: hold only the shown code before the reader; nothing else is recorded meanwhile.",
  },
  "aim-identifier": {
    title: { vi: "Có mã nhận dạng AIM ở đầu", en: "An AIM identifier in front" },
    next: { vi: "Không sao, chương trình tự bỏ.", en: "Harmless: it is taken off." },
    technician: "The reader puts an AIM identifier in front, which is taken off: nothing to do.",
  },
  "control-characters": {
    title: { vi: "Có ký tự điều khiển quanh mã", en: "Control characters around the code" },
    next: { vi: "Không sao, chương trình tự bỏ.", en: "Harmless: they are taken off." },
    technician: "The reader puts control characters around the code, which are taken off: nothing to do.",
  },
  prefix: {
    title: { vi: "Đầu đọc thêm chữ vào đầu mã", en: "The reader puts text in front" },
    next: removeText,
    technician: "Text stands in front of every code: clear the reader's prefix and code id.",
  },
  suffix: {
    title: { vi: "Đầu đọc thêm chữ vào cuối mã", en: "The reader puts text behind" },
    next: removeText,
    technician: "Text stands behind every code: clear the reader's suffix and set CR.",
  },
  "no-terminator": {
    title: { vi: "Đầu đọc không gửi Enter sau mã", en: "No Enter after the code" },
    next: {
      vi: "Nên đặt hậu tố Enter (CR): nhận nhanh hơn và không bị dính hai mã.",
      en: "Better set the suffix Enter (CR): faster, and two codes never stick together.",
    },
    technician:
      "The reader sends no terminator: set the suffix CR, which saves 0.3 s a scan and keeps two scans apart.",
  },
  truncated: {
    title: { vi: "Mất phần cuối của mã", en: "The end of the code is missing" },
    next: holdStill,
    technician:
      "The code was cut: raise the reader's maximum length, scan again, and change cable or port if it stays.",
  },
  "start-lost": {
    title: { vi: "Mất phần đầu của mã", en: "The beginning of the code is missing" },
    next: {
      vi: "Đầu đọc không dây: đánh thức rồi quét lại. Dùng dây: đổi cổng USB.",
      en: "Cordless: wake it up and scan again. With a cable: change the USB port.",
    },
    technician: "The first bytes were lost: a cordless reader was still waking up; otherwise change the USB port.",
  },
  gap: {
    title: { vi: "Mất một đoạn ở giữa mã", en: "A piece in the middle is missing" },
    next: holdStill,
    technician: "Bytes were lost on the way: change cable or port, close other programs that use the reader.",
  },
  "pieces-lost": {
    title: { vi: "Mất ký tự ở nhiều chỗ", en: "Characters are missing in several places" },
    next: {
      vi: "Đầu đọc gõ quá nhanh: quét mã cài đặt tăng thời gian giữa các phím (Inter-character delay), hoặc chuyển sang USB COM.",
      en: "It types too fast: raise its inter-character delay with a setup code, or switch to USB COM.",
    },
    technician:
      "Characters were lost here and there: raise the inter-character delay of a keyboard reader or, better, switch it to USB CDC; on RS-232 turn on flow control.",
  },
  "reports-lost": {
    title: { vi: "Mã dài bị mất gói 56 byte", en: "Packets of a long code were lost" },
    next: {
      vi: "Nâng cấp phần mềm đầu đọc hoặc chuyển sang USB COM.",
      en: "Update the reader's firmware or switch it to USB COM.",
    },
    technician:
      "Whole HID POS reports of 56 bytes are missing: another program reads the device, or its firmware does not continue long codes; close the program, update the firmware or switch to USB CDC.",
  },
  joined: {
    title: { vi: "Hai lần quét dính vào nhau", en: "Two scans arrived as one" },
    next: {
      vi: "Đặt hậu tố Enter (CR) cho đầu đọc.",
      en: "Set the reader's suffix to Enter (CR).",
    },
    technician: "Two scans came without an end between them: set the suffix CR.",
  },
  split: {
    title: { vi: "Một mã bị tách làm nhiều lần quét", en: "One code arrived in pieces" },
    next: {
      vi: "Đặt hậu tố Enter (CR) và giảm thời gian giữa các ký tự của đầu đọc.",
      en: "Set the suffix Enter (CR) and lower the reader's inter-character delay.",
    },
    technician: "The reader pauses within a code: lower its inter-character delay and set the suffix CR.",
  },
  "code-page": {
    title: { vi: "Chữ Việt gửi theo bảng mã cũ", en: "Vietnamese letters in an old code page" },
    next: utf8Output,
    technician: "The reader converts to a code page: set its output encoding to UTF-8.",
  },
  "double-encoded": {
    title: { vi: "Chữ Việt bị đổi sai bảng mã", en: "Vietnamese letters garbled by a code page" },
    next: utf8Output,
    technician:
      "The reader takes UTF-8 for another page and encodes it again: set its QR character set and output to UTF-8.",
  },
  "utf-16": {
    title: { vi: "Đầu đọc gửi UTF-16", en: "The reader sends UTF-16" },
    next: utf8Output,
    technician: "The reader sends UTF-16: set its output encoding to UTF-8.",
  },
  "letters-lost": {
    title: { vi: "Mất chữ có dấu", en: "Vietnamese letters are lost" },
    next: betterMode,
    technician:
      "Only ASCII arrives, names will be unreadable: switch to USB CDC or HID POS, with the output encoding UTF-8.",
  },
  decomposed: {
    title: { vi: "Dấu tách rời khỏi chữ", en: "Marks apart from their letters" },
    next: { vi: "Không sao, chương trình tự ghép.", en: "Harmless: they are put together." },
    technician: "The letters arrive decomposed (NFD) and are composed again: nothing to do.",
  },
  eci: {
    title: { vi: "Có ký hiệu bảng mã (ECI) trong dữ liệu", en: "An ECI designator in the data" },
    next: {
      vi: "Vẫn đọc được. Nên tắt “ECI output” bằng mã cài đặt.",
      en: "It reads. Better turn “ECI output” off with a setup code.",
    },
    technician:
      "The reader sends ECI designators (\\000026, doubled backslashes), which are undone: better turn ECI output off.",
  },
  "input-method": {
    title: { vi: "Bộ gõ tiếng Việt làm sai mã", en: "A Vietnamese typing tool changes the code" },
    next: {
      vi: "Tắt UniKey/EVKey (chuyển sang E) rồi thử lại, hoặc chuyển đầu đọc sang USB COM.",
      en: "Turn UniKey/EVKey off (to E) and test again, or switch the reader to USB COM.",
    },
    technician: "A Vietnamese input method rewrites the keys: turn it off, or switch the reader to USB CDC or HID POS.",
  },
  "keyboard-layout": {
    title: { vi: "Sai kiểu bàn phím", en: "Wrong keyboard layout" },
    next: {
      vi: "Đặt bàn phím Windows là English (US) và quét mã cài đặt “USA keyboard” của đầu đọc.",
      en: "Set the computer's keyboard to English (US) and scan the reader's setup code “USA keyboard”.",
    },
    technician: "The computer's layout is not the reader's: set both to English (US).",
  },
  "shift-lost": {
    title: { vi: "Mất phím Shift", en: "The Shift key is lost" },
    next: betterMode,
    technician: "Shift does not arrive with its keys: raise the inter-character delay or switch to USB CDC.",
  },
  substituted: {
    title: { vi: "Một số ký tự bị đổi", en: "Some characters are changed" },
    next: {
      vi: "Đặt bàn phím Windows là English (US) và quét mã cài đặt “USA keyboard” của đầu đọc.",
      en: "Set the computer's keyboard to English (US) and scan the reader's setup code “USA keyboard”.",
    },
    technician: "The same characters are always changed: set the country of reader and computer to US.",
  },
  "letter-case": {
    title: { vi: "Chữ hoa, chữ thường bị đổi", en: "Capitals and small letters are changed" },
    next: {
      vi: "Tắt Caps Lock; quét mã cài đặt “Normal case” của đầu đọc.",
      en: "Turn Caps Lock off; scan the reader's setup code “Normal case”.",
    },
    technician: "The case of letters is changed: Caps Lock is on, or the reader converts case; turn both off.",
  },
  slow: {
    title: { vi: "Đầu đọc gõ phím chậm", en: "The reader types slowly" },
    next: {
      vi: "Giảm thời gian giữa các phím bằng mã cài đặt, hoặc chuyển sang USB COM.",
      en: "Lower its inter-key delay with a setup code, or switch to USB COM.",
    },
    technician: "A card takes seconds: lower the inter-character delay, or switch to USB CDC or HID POS.",
  },
  differs: {
    title: { vi: "Mã nhận được bị sai", en: "The code arrived changed" },
    next: holdStill,
    technician:
      "The bytes differ in a way that has no name: record the reader with tram readers --record and send the file to support.",
  },
};

/** The words for one finding. */
export function adviceFor(found: Finding): Advice {
  const { title, next, technician } = rows[found.code];
  return {
    code: found.code,
    severity: severityOf(found),
    title,
    next,
    technician: found.detail === null ? technician : `${technician.replace(/\.$/, "")} (${found.detail}).`,
  };
}
