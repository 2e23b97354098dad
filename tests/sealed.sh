#!/bin/sh
# sealed.sh FOLDER TREE PYTHON COMMAND...: runs COMMAND as nobody in /srv, which is TREE, with FOLDER
# as its root. Nothing of it can be written to but /scratch. PYTHON is the folder of the interpreter.
set -eu
root=$1 tree=$2 python=$3
shift 3

bring() { # bring SOURCE TARGET
    mkdir -p "$root$2"
    mount --bind "$1" "$root$2"
    mount -o "remount,bind,ro" "$root$2"
}

mount -t tmpfs -o mode=755 tmpfs "$root"
bring /usr /usr
for each in /bin /lib /lib64 /sbin; do
    if [ -L "$each" ]; then
        cp -P "$each" "$root$each"
    elif [ -d "$each" ]; then
        bring "$each" "$each"
    fi
done
bring /etc /etc
case $python in
/usr | /usr/*) ;;
*) bring "$python" "$python" ;;
esac
bring "$tree" /srv
mkdir "$root/dev" "$root/scratch" "$root/tmp"
mount --bind /dev "$root/dev"
mount -t tmpfs -o mode=700,uid=65534,gid=65534 tmpfs "$root/scratch"
mount -o remount,ro "$root"
exec chroot --userspec=65534:65534 --groups= "$root" /bin/sh -c 'cd /srv && exec "$@"' sh "$@"
