/**
 * The reference's invented cards, each of another invented person per `index`: what people hold to a reader in tests.
 * The names are what must come out at the other end, to the byte.
 */
export interface HeldCard {
  readonly payload: string;
  readonly name: string;
  readonly kind: "cccd" | "bhyt" | "personal";
}

const digits = (index: number, count: number): string => String(index).padStart(count, "0");

export const heldCards: Readonly<Record<string, (index: number) => HeldCard>> = {
  "CCCD 2021": (index) => ({
    kind: "cccd",
    name: "NGUYỄN VĂN A",
    payload: `079098${digits(index, 6)}|024123456|NGUYỄN VĂN A|01011998|Nam|Số 1 Đường ABC, Phường 1, Quận 1, TP. Hồ Chí Minh|01012022`,
  }),
  "Căn cước 2024": (index) => ({
    kind: "cccd",
    name: "Trần Thị Mẫu",
    payload: `093188${digits(index, 6)}|360000000|Trần Thị Mẫu|06031988|Nữ|1 Đường Thử, Kv0, Phường Mẫu, Quận Mẫu, Cần Thơ|02092024||||`,
  }),
  "BHYT 15 fields": (index) => ({
    kind: "bhyt",
    name: "Phan Văn Thử",
    payload: `DN4790${digits(index, 9)}|5068616e2056c4836e205468e1bbad|03/06/1992|1|3120c490c6b0e1bb9d6e67205468e1bbad2c205068c6b0e1bb9d6e672030332c205175e1baad6e2047c3b22056e1baa5702c205468c3a06e68207068e1bb912048e1bb93204368c3ad204d696e68|79 - 426|01/11/2018|-|05/11/2018|79070${digits(index, 9)}|-|4|01/12/2022|6f000000000000b-7102|$`,
  }),
  "BHYT 17 fields": (index) => ({
    kind: "bhyt",
    name: "Hoàng Xuân Thử",
    payload: `01${digits(index, 8)}|486fc3a06e67205875c3a26e205468e1bbad|06/08/1982|1|437479204350205468e1bbad|79 - 034|01/03/2021|-|05/03/2021|790201${digits(index, 8)}|-|4| 01/01/2015|150000000000007f-7102|4|5175e1baad6e2031322c205468c3a06e68207068e1bb912048e1bb93204368c3ad204d696e68|$`,
  }),
  "personal QR": (index) => ({
    kind: "personal",
    name: "NGUYEN VAN MAU",
    payload: `001093${digits(index, 6)}|NGUYEN VAN MAU|1987-02-05|0|1629${digits(index, 14)}|<1<GD4790100000002<0900000000<`,
  }),
};
