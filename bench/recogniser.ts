import { recognise, warmUp } from "../agent/codes/recognise.ts";
import { heldCards } from "../testing/cards-at-gate.ts";
import { median, quantile } from "./quantiles.ts";

const rounds = 7;
const perRound = 5_000;

/** Payloads per second for each kind of card, over a floor that only decodes the text and splits it at the pipes. */
export function recogniserThroughput(): void {
  warmUp();
  const options = { today: "2026-01-05" };
  console.log(`\nrecogniser: ${rounds} rounds of ${perRound} payloads, payloads/s (median), ratio to decode + split`);
  for (const [name, card] of Object.entries(heldCards)) {
    const payloads = Array.from({ length: perRound }, (_, index) => Buffer.from(card(index).payload));
    const speeds: number[] = [];
    const floors: number[] = [];
    for (let round = 0; round <= rounds; round++) {
      const speed = perSecond(payloads, (bytes) => recognise(bytes, options).length);
      const floor = perSecond(
        payloads,
        (bytes) => new TextDecoder("utf-8", { fatal: true }).decode(bytes).split("|").length,
      );
      if (round === 0) continue;
      speeds.push(speed);
      floors.push(floor);
    }
    const ratio = median(floors) / median(speeds);
    console.log(
      `${name.padEnd(16)} ${Math.round(median(speeds)).toString().padStart(9)}/s   ${ratio.toFixed(1)} x the floor`,
    );
  }
  console.log(`\nrecogniser, hostile input of 8 KiB: ms per payload, median and worst of 200`);
  for (const [name, bytes] of Object.entries(hostile())) {
    const times: number[] = [];
    for (let run = 0; run < 220; run++) {
      const from = performance.now();
      recognise(bytes, options);
      if (run >= 20) times.push(performance.now() - from);
    }
    console.log(
      `${name.padEnd(24)} ${median(times).toFixed(3).padStart(7)}   ${quantile(times, 1).toFixed(3).padStart(7)}`,
    );
  }
}

function perSecond(payloads: readonly Uint8Array[], work: (bytes: Uint8Array) => number): number {
  const from = performance.now();
  let sum = 0;
  for (const payload of payloads) sum += work(payload);
  if (sum < payloads.length) throw new Error("each payload gives at least one result");
  return (payloads.length * 1000) / (performance.now() - from);
}

function hostile(): Record<string, Uint8Array> {
  const size = 8192;
  const fill = (text: string): Uint8Array =>
    Buffer.from(text.repeat(Math.ceil(size / Buffer.byteLength(text)))).subarray(0, size);
  const noise = Buffer.from(Array.from({ length: size }, (_, index) => (index * 7919 + (index >> 3) * 104729) & 0xff));
  return {
    pipes: fill("|"),
    "closing brackets": fill("]"),
    digits: fill("0123456789"),
    noise: noise,
    "high bytes (code pages)": Buffer.from(Array.from({ length: size }, (_, index) => 0xa1 + (index % 0x5d))),
    "joined half cards": fill("079098000001|024123456|NGUYỄN VĂN A|01011998|Nam|"),
    "joined health cards": fill("DN4790100000002|5068616e|03/06/1992|1|-|79 - 426|01/11/2018|-|-|1|-|4|-|6f-7102|$"),
    "base45 letters": fill(
      "HC1:6BFOXN%TS3DH0YOJ58S S-W5HDC *M0II5XHC9B5G2+$N IOP-IA%NFQGRJPC%OQHIZC4.OI1RM8ZA.A5:S9MKN4NN3F85QNCY0O%0VZ001HOC9JU0D0HT0HB2PL/IB*09B9LW4T*8+DCMH0LDK2%K:XFE70*LP$V25$0Q:J40IA3L/*84-5%:C92JN*4CY0*%9F/8J2P4.818T+:IX3M3.96RPVD9J-OZT1-NT0",
    ),
  };
}
