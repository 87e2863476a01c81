/** A QR symbol, always dark on white with its quiet zone, as large as its place allows. */
export function QrCode({
  side,
  path,
  label,
}: {
  readonly side: number;
  readonly path: string;
  readonly label: string;
}) {
  return (
    <svg class="qr" viewBox={`0 0 ${side} ${side}`} role="img" aria-label={label} shape-rendering="crispEdges">
      <path fill="#fff" d={`M0 0h${side}v${side}h-${side}z`} />
      <path fill="#000" d={path} />
    </svg>
  );
}
