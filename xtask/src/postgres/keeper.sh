# Keeps one throwaway PostgreSQL server for as long as its standard input is open, however the process at the other end dies.
# Arguments: the folder of PostgreSQL's programs, `on` or `off` for fsync, ports to try. First line of input: the password.
# Writes the port when the server answers.
bin=$1 fsync=$2
shift 2
dir=$(mktemp -d /tmp/crm-postgres-XXXXXX) || exit 1 # short: the path of a socket has at most 107 bytes
clean() {
    : >"$dir/stop" && wait # until nothing starts it again
    "$bin/pg_ctl" --pgdata "$dir/data" --mode immediate --wait --timeout 20 stop >/dev/null 2>&1
    cd / && rm -rf "$dir"
}
trap clean EXIT
trap 'exit 1' HUP INT TERM PIPE
cd "$dir" || exit 1
(umask 077 && head -n 1 >password) || exit 1

# Collation by language where there is a choice, as on most servers: what must be ordered by bytes has to say so.
collation=--no-locale
case $("$bin/initdb" --help) in *--icu-locale*) collation='--locale-provider=icu --icu-locale=en --locale=C' ;; esac
"$bin/initdb" --pgdata data --username crm --pwfile password --auth scram-sha-256 --encoding UTF8 $collation --no-sync >&2 || exit 1

start() { "$bin/pg_ctl" --pgdata data --log log --wait --timeout 60 --options "$options" start >&2; }

# A test may kill the server itself. Its last processes hold a new one up for a moment, so it is tried again.
watch() {
    while [ ! -e stop ] && sleep 0.1; do
        pid=$(head -n 1 data/postmaster.pid 2>/dev/null) && kill -0 "$pid" 2>/dev/null || [ -e stop ] || start
    done
}

for port; do
    options="-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories=$dir -c fsync=$fsync -c synchronous_commit=$fsync"
    options="$options -c full_page_writes=$fsync -c max_connections=100 -c timezone=UTC"
    if start; then
        echo "$port"
        watch >/dev/null 2>&1 &
        cat >/dev/null
        exit 0
    fi
    cat log >&2
done
exit 1
