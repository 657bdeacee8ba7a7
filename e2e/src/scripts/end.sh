# end.sh FOLDER now|watch|list
# now: stops the cluster in FOLDER and removes everything that it created.
# watch: the same, once standard input is closed; reading "keep" cancels it.
# list: prints the name and pid of each running process.
folder=$1
if [ "$2" = watch ]; then
    trap '' HUP INT TERM
    if read -r word && [ "$word" = keep ]; then exit 0; fi
fi
# Also prevents the removal of an unrelated folder.
[ -f "$folder/processes" ] || exit 0

alive() {
    [ "$(started "${1%%:*}")" = "${1#*:}" ]
}

# Waits up to $2 twentieths of a second for process $1 to exit.
ended() {
    turns=$2
    while alive "$1"; do
        turns=$((turns - 1))
        [ "$turns" -gt 0 ] || return 1
        sleep 0.05
    done
}

node= rest=
while read -r pid start name; do
    if [ "$2" = list ]; then
        if alive "$pid:$start"; then echo "$name $pid"; fi
        continue
    fi
    case $name in
    node) node="$node $pid:$start" ;;
    *) rest="$pid:$start $rest" ;;
    esac
done <"$folder/processes"
[ "$2" = list ] && exit 0

# The kernel ends all processes, mounts and interfaces of the node with its first process.
for process in $node; do
    alive "$process" && kill -KILL "${process%%:*}"
done
for process in $node; do ended "$process" 1200; done
for process in $rest; do
    if alive "$process"; then
        kill -TERM "${process%%:*}"
        ended "$process" 40 && continue
        kill -KILL "${process%%:*}"
        ended "$process" 600
    fi
done

if [ -n "$EXTENSION_REGISTRY_LOGS" ]; then
    mkdir -p "$EXTENSION_REGISTRY_LOGS"
    cp -R "$folder/logs" "$EXTENSION_REGISTRY_LOGS/$(basename "$folder")"
fi
# Both steps fail until the kernel has released the last container.
turns=600
while [ "$turns" -gt 0 ]; do
    left=
    for group in /sys/fs/cgroup/"${folder##*/}" /sys/fs/cgroup/*/"${folder##*/}"; do
        [ -d "$group" ] || continue
        find "$group" -depth -type d -exec rmdir {} \; 2>/dev/null
        [ -d "$group" ] && left=yes
    done
    rm -rf "$folder" 2>/dev/null
    [ -z "$left" ] && [ ! -e "$folder" ] && exit 0
    turns=$((turns - 1))
    sleep 0.1
done
exit 1
