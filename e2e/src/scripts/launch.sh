# launch.sh FOLDER NAME PROGRAM [ARGUMENT..]
# Notes the process before it becomes the program, so that none can run without being on the list.
folder=$1 name=$2
shift 2
echo "$$ $(started $$) $name" >>"$folder/processes" || exit 1
exec "$@"
