/**
 * The small program that holds the device. Node can neither call ioctl nor wait for a device node without keeping its
 * own process from ending, and evdev forgets keys when it is not read in time: so a process of its own reads while the
 * agent commits. Perl, because `perl-base` is on every Debian and Ubuntu (it is marked Essential).
 *
 * It is given the path as its argument. On stderr it says `ready`, or `open ERRNO`, `grab ERRNO`, `read ERRNO` and ends.
 * On stdout it writes one record of {@link RECORD_BYTES} for every key and every loss: type and code (u16), value (s32),
 * in the byte order of the machine. It ends, and gives the keyboard back, when its stdin is closed: whatever happens
 * to the agent, nobody is left with a dead keyboard.
 *
 * Numbers: EVIOCGRAB is 0x40044590, EV_KEY 1, SYN_DROPPED type 0 code 3 (linux/input.h, input-event-codes.h); an event
 * begins with a `struct timeval` of two native longs.
 */
export const grabProgram = String.raw`
use strict;
use Fcntl;
my $path = shift;
$0 = "tram-qr reader $path";
$| = 1;
sub leave { syswrite STDERR, "$_[0] " . ($! + 0) . "\n"; exit 1 }
sysopen(my $device, $path, O_RDONLY | O_NONBLOCK) or leave("open");
ioctl($device, 0x40044590, 1) or leave("grab");
syswrite STDERR, "ready\n";
my $time = 2 * length pack("l!", 0);
my $event = $time + 8;
my $watched = "";
vec($watched, fileno($device), 1) = 1;
vec($watched, fileno(STDIN), 1) = 1;
while (1) {
  my $found = select(my $readable = $watched, undef, undef, undef);
  next if $found < 0;
  exit 0 if vec($readable, fileno(STDIN), 1) && !sysread(STDIN, my $ignored, 64);
  next unless vec($readable, fileno($device), 1);
  my $read = sysread($device, my $events, $event * 64);
  if (!defined $read) {
    next if $!{EAGAIN} || $!{EINTR};
    leave("read");
  }
  if ($read == 0) { $! = 19; leave("read") }
  my $records = "";
  for (my $at = 0; $at + $event <= $read; $at += $event) {
    my $record = substr($events, $at + $time, 8);
    my ($type, $code) = unpack("SS", $record);
    $records .= $record if $type == 1 || ($type == 0 && $code == 3);
  }
  while (length $records) {
    my $written = syswrite(STDOUT, $records);
    defined $written ? substr($records, 0, $written, "") : ($!{EINTR} or exit 1);
  }
}
`;

/** Bytes of one record: type u16, code u16, value s32. */
export const RECORD_BYTES = 8;
