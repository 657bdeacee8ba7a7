# launch.sh FOLDER NAME PROGRAM [ARGUMENT..]
# Lists the process before it executes the program, so that no program runs unlisted.
folder=$1 name=$2
shift 2
echo "$$ $(started $$) $name" >>"$folder/processes" || exit 1
exec "$@"
