# Prints when process $1 started, or nothing if it has exited. The pid may have been reused by another process.
started() {
    if [ -r /proc/self/stat ]; then
        stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 0
        # The name in parentheses may contain blanks, so count after it: 1 is the state, 20 the start time.
        set -- ${stat##*) }
        case $1 in Z | X) ;; *) echo "${20}" ;; esac
    else
        ps -o lstart= -p "$1" 2>/dev/null | tr -s ' ' '_'
    fi
}
