"""The paths of a container that show the host: the engine hides them behind empty files and directories.

They reveal its identity, hardware and configuration, or are counters by which programs in different containers could
watch or signal each other. The list replaces the engine's own, and so contains it; the engine skips what a host lacks.
"""

MASKED = """
/proc/acpi /proc/asound /proc/bootconfig /proc/buddyinfo /proc/bus /proc/cgroups /proc/cmdline /proc/config.gz
/proc/consoles /proc/crypto /proc/devices /proc/diskstats /proc/dma /proc/driver /proc/execdomains /proc/fs
/proc/interrupts /proc/iomem /proc/ioports /proc/irq /proc/kallsyms /proc/kcore /proc/key-users /proc/keys
/proc/latency_stats /proc/mdstat /proc/misc /proc/modules /proc/partitions /proc/pressure /proc/sched_debug
/proc/schedstat /proc/scsi /proc/softirqs /proc/stat /proc/swaps /proc/timer_list /proc/timer_stats /proc/tty
/proc/vmstat /proc/zoneinfo
/proc/sys/debug /proc/sys/dev /proc/sys/fs /proc/sys/kernel/pty /proc/sys/kernel/random
/sys/block /sys/bus /sys/class /sys/dev /sys/devices /sys/firmware /sys/hypervisor /sys/kernel /sys/module /sys/power
/sys/fs/bcachefs /sys/fs/bpf /sys/fs/btrfs /sys/fs/erofs /sys/fs/ext4 /sys/fs/f2fs /sys/fs/fuse /sys/fs/nfs
/sys/fs/pstore /sys/fs/resctrl /sys/fs/selinux /sys/fs/xfs /sys/fs/zfs
""".split()
