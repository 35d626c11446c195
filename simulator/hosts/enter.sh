#!/bin/sh
# Lays out a machine's root and becomes its first process. Runs as root, as the first process of new mount, pid, uts and
# ipc namespaces: nobody outside sees its mounts, and they go with the last process inside.
# Usage, in the machine's folder: enter.sh STORAGE HOSTNAME COMMAND...
# The folder holds:
#   layers/N/{root,usr,local} the image's layers, the topmost first; `local` is /usr/local, `usr` is laid over this machine's
#   {root,usr,local}/upper   what the machine has written; for STORAGE "copy" with the layers copied into it
#   {root,usr,local}/work    the overlays' own
#   docker.sock              where there is one, a link to the socket of a Docker engine
#   machine                  an empty folder, where the root is put together
# Paths are relative, so that the mount table inside names no folder of this machine.
set -eu
umask 022
storage=$1 hostname=$2
shift 2

join() {
  all=
  for folder in layers/*/"$1"; do
    [ ! -d "$folder" ] || all=$all:$folder
  done
  printf '%s' "${all#:}"
}

# "volatile": unmounting syncs nothing to the disk; a sync would wait for all other writes there.
overlay() { mount -t overlay machine -o "lowerdir=$2,upperdir=$1/upper,workdir=$1/work,volatile" "$3"; }

case $storage in
overlay)
  overlay root "$(join root)" machine
  lower=$(join usr)
  overlay usr "${lower:+$lower:}/usr" machine/usr
  overlay local "$(join local)" machine/usr/local
  ;;
copy)
  mount --bind root/upper machine
  mount -o bind,ro /usr machine/usr
  mount --bind local/upper machine/usr/local
  ;;
esac

# Where /bin and the like are links here, they are links inside too.
for folder in /bin /sbin /lib /lib32 /lib64 /libx32 /etc/alternatives /etc/ssl/certs; do
  if [ -d "$folder" ] && [ ! -L "$folder" ]; then mount -o bind,ro "$folder" "machine$folder"; fi
done

# Hides this machine's uv, and the mark that forbids pip to install: the image decides about both.
for file in /usr/bin/uv /usr/bin/uvx /usr/lib/python3*/EXTERNALLY-MANAGED; do
  [ ! -e "$file" ] || mount --bind /dev/null "machine$file"
done

# A virtual machine has an engine of its own; this one is lent.
if [ -S docker.sock ]; then
  mkdir -p machine/run
  : >machine/run/docker.sock
  mount --bind docker.sock machine/run/docker.sock
fi

mount -t proc -o nosuid,nodev,noexec proc machine/proc
printf '%s' "$hostname" >machine/proc/sys/kernel/hostname
mount -o bind,ro machine/proc/sys machine/proc/sys
for file in kcore sysrq-trigger; do
  [ ! -e "machine/proc/$file" ] || mount --bind /dev/null "machine/proc/$file"
done

mount -t tmpfs -o nosuid,mode=755,size=64k dev machine/dev
for node in null zero full random urandom tty; do
  : >"machine/dev/$node"
  mount --bind "/dev/$node" "machine/dev/$node"
done
mkdir machine/dev/pts machine/dev/shm
mount -t devpts -o newinstance,nosuid,noexec,ptmxmode=0666,mode=620,gid=5 devpts machine/dev/pts
mount -t tmpfs -o nosuid,nodev,mode=1777 shm machine/dev/shm
ln -s pts/ptmx machine/dev/ptmx
ln -s /proc/self/fd machine/dev/fd
ln -s fd/0 machine/dev/stdin
ln -s fd/1 machine/dev/stdout
ln -s fd/2 machine/dev/stderr

cd machine
pivot_root . mnt
cd /
umount -l /mnt

# The capabilities that Docker leaves, less mknod, so that root inside cannot get out.
exec setpriv --bounding-set=-all,+chown,+dac_override,+fowner,+fsetid,+kill,+setgid,+setuid,+setpcap,+net_bind_service,+net_raw,+sys_chroot,+audit_write,+setfcap \
  "$@"
