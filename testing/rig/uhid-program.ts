/**
 * The small program that is a HID device, through /dev/uhid (Linux, Documentation/hid/uhid.rst). A process of its own,
 * because a call of the reader under test may wait for the device to answer, and because it keeps the pace of a reader
 * while the test is busy. Perl starts in milliseconds in the emulated machine, Node in seconds.
 *
 * On stdin it takes one command a line: `plug HEX` (the UHID_CREATE2 event), `send HEX` (an input report), `wait
 * MICROSECONDS`, `unplug`, `mark TEXT`. On stdout it says what the system asked of the device: `open`, `close`,
 * `output HEX`, `feature HEX`, and `mark TEXT` when that command's turn came. It ends, unplugged, with its stdin.
 */
export const uhidProgram = String.raw`
use strict;
use Fcntl;
use Time::HiRes qw(time);
my ($DESTROY, $OPEN, $CLOSE, $OUTPUT, $GET, $GET_REPLY, $INPUT, $SET, $SET_REPLY) = (1, 4, 5, 6, 9, 10, 12, 13, 14);
my $EIO = 5;
$| = 1;
sysopen(my $uhid, "/dev/uhid", O_RDWR | O_NONBLOCK) or die "/dev/uhid: $!\n";
sub tell_kernel { defined syswrite($uhid, $_[0]) or die "uhid: $!\n" }
my ($held, $not_before, @commands) = ("", 0);
my $watched = "";
vec($watched, fileno($uhid), 1) = 1;
vec($watched, fileno(STDIN), 1) = 1;
while (1) {
  while (@commands && time() >= $not_before) {
    my ($name, $value) = split / /, shift @commands, 2;
    if ($name eq "plug") { tell_kernel(pack("H*", $value)) }
    elsif ($name eq "unplug") { tell_kernel(pack("L", $DESTROY)) }
    elsif ($name eq "send") { my $report = pack("H*", $value); tell_kernel(pack("LS", $INPUT, length $report) . $report) }
    elsif ($name eq "wait") { $not_before = time() + $value / 1e6 }
    elsif ($name eq "mark") { print "mark $value\n" }
  }
  my $left = @commands ? $not_before - time() : undef;
  next if select(my $readable = $watched, undef, undef, $left) <= 0;
  if (vec($readable, fileno(STDIN), 1)) {
    sysread(STDIN, $held, 65536, length $held) or exit 0;
    push @commands, $1 while $held =~ s/^(.*)\n//;
  }
  next unless vec($readable, fileno($uhid), 1) && sysread($uhid, my $event, 8192);
  my ($type, $id, $number, $kind, $size) = unpack("LLCCS", $event);
  if ($type == $OPEN) { print "open\n" }
  elsif ($type == $CLOSE) { print "close\n" }
  elsif ($type == $OUTPUT) { print "output ", unpack("H*", substr($event, 4, unpack("S", substr($event, 4100, 2)))), "\n" }
  elsif ($type == $GET) { tell_kernel(pack("LLSS", $GET_REPLY, $id, $EIO, 0)) }
  elsif ($type == $SET) {
    tell_kernel(pack("LLS", $SET_REPLY, $id, 0));
    print "feature ", unpack("H*", substr($event, 12, $size)), "\n";
  }
}
`;
