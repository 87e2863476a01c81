#!/bin/sh
# Second stage of the virtual machine: what a freshly started Linux desktop has (udevd with its rules, modules loaded by
# what is plugged in), then the command of the host. In /run/rig stand `modules` (a folder), `command` and, afterwards,
# `status`.
mkdir -p /dev/pts /dev/shm /run/lock
mount -t devpts -o mode=620,ptmxmode=666 pts /dev/pts
mount -t tmpfs shm /dev/shm
mkdir -p /lib/modules
mount -t tmpfs modules /lib/modules
ln -s "$(cat /run/rig/modules)/$(uname -r)" "/lib/modules/$(uname -r)"
busybox ifconfig lo up
/lib/systemd/systemd-udevd --daemon --resolve-names=late
modprobe -a virtio_console uhid evdev hid-generic usbhid xhci-pci libcomposite || echo 'rig: a module is missing'
modprobe dummy_hcd num=2 || echo 'rig: the module dummy_hcd is missing'
mount -t configfs config /sys/kernel/config
udevadm trigger --subsystem-match=virtio-ports
udevadm settle --timeout=60
read -r upSeconds _ < /proc/uptime
echo "rig: devices are ready after $upSeconds s"
sh /run/rig/command < /dev/null
echo $? > /run/rig/status
sync
busybox reboot -f
