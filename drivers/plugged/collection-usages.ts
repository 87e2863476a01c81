/** Which top-level collections a HID report descriptor opens (USB HID 1.11, section 6.2.2). Pure and total. */

export interface CollectionUsage {
  readonly usagePage: number;
  readonly usage: number;
}

/** Item prefixes without their two size bits. */
const USAGE_PAGE = 0x04;
const USAGE = 0x08;
const COLLECTION = 0xa0;
const END_COLLECTION = 0xc0;
/** Input, output, feature: main items, behind which local items are forgotten. */
const OTHER_MAIN_ITEMS: readonly number[] = [0x80, 0x90, 0xb0];
const LONG_ITEM = 0xfe;
/** More than any device declares. */
const MAX_COLLECTIONS = 32;

/** The usages of the outermost collections, in their order; what a broken descriptor said before it broke. */
export function collectionUsages(descriptor: Uint8Array): CollectionUsage[] {
  const found: CollectionUsage[] = [];
  let page = 0;
  let usage: CollectionUsage | null = null;
  let depth = 0;
  for (let at = 0; at < descriptor.length && found.length < MAX_COLLECTIONS; ) {
    const prefix = descriptor[at] ?? 0;
    if (prefix === LONG_ITEM) {
      at += 3 + (descriptor[at + 1] ?? 0);
      continue;
    }
    const size = [0, 1, 2, 4][prefix & 0b11] ?? 0;
    if (at + 1 + size > descriptor.length) break;
    let value = 0;
    for (let byte = size; byte > 0; byte--) value = value * 0x100 + (descriptor[at + byte] ?? 0);
    at += 1 + size;
    switch (prefix & 0xfc) {
      case USAGE_PAGE:
        page = value;
        break;
      case USAGE: // The first one names the collection; four bytes bring their own page.
        usage ??=
          size === 4
            ? { usagePage: Math.floor(value / 0x10000), usage: value % 0x10000 }
            : { usagePage: page, usage: value };
        break;
      case COLLECTION:
        if (depth++ === 0 && usage !== null) found.push(usage);
        usage = null;
        break;
      case END_COLLECTION:
        depth--;
        usage = null;
        break;
      default:
        if (OTHER_MAIN_ITEMS.includes(prefix & 0xfc)) usage = null;
    }
  }
  return found;
}
