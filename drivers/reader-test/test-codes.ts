/** The QR codes a reader is tested with: everything invented, nothing of it a person, a number or a place. */

/** One QR code to show to a reader. */
export interface TestCode {
  readonly id: "letters" | "two-reports" | "long";
  readonly text: string;
  /** What a reader must deliver, byte for byte: `text` in UTF-8. */
  readonly bytes: Uint8Array;
  /** Whether the symbol says by an ECI that its text is UTF-8. Citizen cards do not (codes.md 8.2), so two codes do not. */
  readonly declaresUtf8: boolean;
}

/**
 * Begin and end of every code, around the letter that tells which. No vowel, no Q W A Z Y M, no digit: no typing tool,
 * no country's keyboard and no code page changes them, so a code is known however it is damaged.
 */
export const startMark = "KTBDT";
export const endMark = "TDBTK";

/**
 * In each: `]` as in an AIM identifier, digits, the separators of cards, `\` (doubled by an ECI reader), Vietnamese
 * letters of two and three bytes, pairs that Telex (`aa dd ow`) and VNI (`a6 d9`) rewrite, and a letter that lies across
 * the end of the first HID POS report (byte 56). No run of digits is as long as the shortest number of a person (nine).
 * None has `" ' ^ ~ = [` or a backtick: dead keys somewhere.
 */
export const testCodes: readonly TestCode[] = [
  code(
    "letters",
    "KTBDTN|]C1]Q3|01234|56789|<$>-/\\#|Kiểm tra: ÀĐữ: ỀẬ, ươ, ễ|Sở Mậu Dịch|" +
      "aa aw dd ee oo ow uw as af ar ax aj|a1 a2 a6 o7 d9|Qw Zm|NTDBTK",
  ),
  // 112 bytes, twice 56: some firmware announces a third report that never comes (readers.md 4).
  code(
    "two-reports",
    "KTBDTH|]|9876|54321|<$>-/|dd aa ow a6|Đầu đọc thửễ Kiểu Mẫu|aabbccddee00ff1122|Phần hai 2|HTDBTK",
  ),
  code(
    "long",
    "KTBDTL|]d2|1122|3344|55667788|<$>-/\\#|Trạm thử nghiệmễ ở Xã Mẫu Đợi|4b69e1bb836d20aa22ddee66ff11oo|" +
      "aa aw dd ee oo ow uw|a1 e6 o7 d9|Ấp Ví Dụ, Phường Giả Định|Quầy số ba, tầng trệt, lối vào phía Nam|" +
      "01234|56789|LTDBTK",
    true,
  ),
];

function code(id: TestCode["id"], text: string, declaresUtf8 = false): TestCode {
  return { id, text, bytes: new TextEncoder().encode(text), declaresUtf8 };
}
