# node.sh FOLDER OUTER INTERFACE ADDRESS THIRD
# The first process of the node: runs in separate network, mount and PID namespaces. OUTER is a process outside of them;
# INTERFACE is the outer end of the link between the two; the network of the cluster starts at ADDRESS.THIRD.0.
set -eu
folder=$1 outer=$2 interface=$3 address=$4 third=$5

# /proc is still that of the outer namespace, so it contains the outer pid of this process.
read -r stat </proc/self/stat
pid=${stat%% *}
echo "$pid $(started "$pid") node" >>"$folder/processes"

link=$address.$third
ip link add eth0 type veth peer name "$interface" netns "/proc/$outer/ns/net"
outside() {
    nsenter --net="/proc/$outer/ns/net" "$@"
}
outside ip address add "$link.1/30" dev "$interface"
outside ip link set "$interface" up
ip address add "$link.2/30" dev eth0
ip link set lo up
ip link set eth0 up
ip route add default via "$link.1"
# The machine reaches Pods and Services through the node, as a router; the routes are deleted with the link.
outside ip route add "$address.$((third + 1)).0/24" via "$link.2"
outside ip route add "$address.$((third + 2)).0/23" via "$link.2"

# Files that the programs write to fixed paths are visible only in this node.
for directory in /run /var/lib /var/log; do mount -t tmpfs tmpfs "$directory"; done
mount -t proc proc /proc
echo 1 >/proc/sys/net/ipv4/ip_forward

# The kubelet requires an existing root control group with all necessary controllers.
name=${folder##*/}
if [ -f /sys/fs/cgroup/cgroup.controllers ]; then
    for controller in $(cat /sys/fs/cgroup/cgroup.controllers); do
        echo "+$controller" >/sys/fs/cgroup/cgroup.subtree_control || true
    done
    mkdir "/sys/fs/cgroup/$name"
else
    for controller in /sys/fs/cgroup/*/; do
        mkdir "$controller$name" 2>/dev/null || true
    done
    for file in cpuset.cpus cpuset.mems; do
        cat "/sys/fs/cgroup/cpuset/$file" >"/sys/fs/cgroup/cpuset/$name/$file"
    done
fi

echo "$pid" >"$folder/node.new"
mv "$folder/node.new" "$folder/node"
# A waiting shell also reaps orphaned processes.
sleep infinity &
wait
