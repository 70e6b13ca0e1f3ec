# lib.sh - what the tools share: one temporary folder, an unprivileged user, throwaway servers.
#
# Source it from a tool:  . "$(dirname "$0")/lib.sh"
# Nothing here touches a cluster or a server directory that is already on the
# machine: the server's files are copied into the temporary folder, the
# extension is installed into that copy, and clusters listen on a Unix socket
# inside the folder only.  Leaving the tool, by whatever way, stops the
# clusters that it started and removes the folder.
#
# Written for bash; expects `set -eu` of its caller.

SC_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
unset MAKEFLAGS MAKELEVEL MFLAGS
unset PGDATA PGHOST PGHOSTADDR PGPORT PGUSER PGDATABASE PGOPTIONS PGSERVICE PGPASSFILE PGAPPNAME
export LC_ALL=C.UTF-8 TZ=UTC
umask 022

sc_die() { echo "$(basename "$0"): $*" >&2; exit 1; }

# seconds since the tool started
sc_seconds() { echo "$SECONDS"; }

# sc_temp_folder: a new folder; make cannot build where names have white space
sc_temp_folder() {
	case ${TMPDIR:-/tmp} in
		*[[:space:]]*) mktemp -d /tmp/seoulchain.XXXXXX ;;
		*) mktemp -d "${TMPDIR:-/tmp}/seoulchain.XXXXXX" ;;
	esac
}

# sc_begin: makes $SC_TMP, chooses the user that servers and builds run as
sc_begin() {
	SC_TMP=$(sc_temp_folder)
	trap sc_end EXIT
	trap 'exit 129' HUP
	trap 'exit 130' INT
	trap 'exit 143' TERM
	sc_choose_user
	export SC_TMP SC_USER
}

# sc_choose_user: whom servers and builds run as; $SC_TMP becomes his
sc_choose_user() {
	chmod 755 "$SC_TMP"
	if [ "$(id -u)" = 0 ]; then
		# the account that Debian's PostgreSQL packages make; initdb refuses root
		SC_USER=postgres
		id "$SC_USER" >/dev/null 2>&1 || sc_die "there is no user postgres: run tools/setup first"
		chown "$SC_USER:" "$SC_TMP"
	else
		SC_USER=$(id -un)
	fi
	sc_user mkdir -p "$SC_TMP/home" "$SC_TMP/log"
}

# sc_descendants PID: the processes that it started, and those that they did
sc_descendants() {
	local child
	for child in $(cat "/proc/$1"/task/*/children 2>/dev/null); do
		sc_descendants "$child"
		echo "$child"
	done
}

# sc_end: ends what we started, stops our clusters, removes our folder
sc_end() {
	local status=$? pidfile children
	trap - EXIT HUP INT TERM
	children=$(sc_descendants $$)
	# shellcheck disable=SC2086
	[ -z "$children" ] || kill $children 2>/dev/null || true
	while read -r pidfile; do
		sc_user "${PG_BIN:-/nonexistent}/pg_ctl" stop -m immediate -w -D "$(dirname "$pidfile")" >/dev/null 2>&1 || true
	done < <(find "$SC_TMP" -name postmaster.pid 2>/dev/null)
	if [ -n "${SC_KEEP:-}" ]; then
		echo "kept: $SC_TMP" >&2
	else
		rm -rf "$SC_TMP" 2>/dev/null || { sleep 1; rm -rf "$SC_TMP" || true; }
	fi
	exit "$status"
}

# sc_user COMMAND...: runs it without root's rights
sc_user() {
	if [ "$(id -u)" = 0 ]; then
		HOME=$SC_TMP/home setpriv --reuid="$SC_USER" --regid="$(id -g "$SC_USER")" --init-groups --inh-caps=-all -- "$@"
	else
		"$@"
	fi
}

# sc_find_server: the pg_config to start from ($PG_CONFIG, or Debian's PostgreSQL 15)
sc_find_server() {
	if [ -z "${PG_CONFIG:-}" ]; then
		PG_CONFIG=/usr/lib/postgresql/15/bin/pg_config
		[ -x "$PG_CONFIG" ] || PG_CONFIG=$(command -v pg_config) || sc_die "no pg_config: run tools/setup, or set PG_CONFIG"
	fi
	[ -x "$(command -v "$PG_CONFIG")" ] || sc_die "PG_CONFIG=$PG_CONFIG is no program"
}

# sc_stage_server: copies the server into $SC_TMP/server and points PG_CONFIG at the copy.
# PostgreSQL finds its files relative to its programs, so the copy is a server of its own.
sc_stage_server() {
	local from dir
	sc_find_server
	from=$PG_CONFIG
	for dir in $("$from" --bindir) $("$from" --sharedir) $("$from" --pkglibdir) $("$from" --includedir-server) $("$from" --includedir); do
		sc_user mkdir -p "$SC_TMP/server$dir"
		sc_user cp -a "$dir/." "$SC_TMP/server$dir"
	done
	export PG_CONFIG=$SC_TMP/server$("$from" --bindir)/pg_config
	PG_BIN=$("$PG_CONFIG" --bindir)
	case $PG_BIN in "$SC_TMP"/*) ;; *) sc_die "$from does not report relocated folders: $PG_BIN" ;; esac
	export PG_BIN PATH="$PG_BIN:$PATH"
}

# sc_copy_sources DIR: the checkout without what builds leave behind, owned by the unprivileged user
sc_copy_sources() {
	sc_user mkdir -p "$1"
	tar -C "$SC_ROOT" --exclude=./.git --exclude=./build --exclude='*.o' --exclude='*.d' --exclude='*.so' --exclude='*.bc' \
		--exclude=./seoulchain-verify --exclude='./seoulchain--*.sql' --exclude=./results --exclude=./tmp_check -cf - . |
		sc_user tar -C "$1" -xmf - --no-same-owner
	sc_user chmod -R u+rwX "$1"
}

# sc_build_and_install: the checkout, copied to $SC_TMP/src, built into the staged server; extra make arguments as given
sc_build_and_install() {
	sc_copy_sources "$SC_TMP/src"
	sc_user make -s -C "$SC_TMP/src" -j"$(nproc)" PG_CONFIG="$PG_CONFIG" "$@" all
	sc_user make -s -C "$SC_TMP/src" PG_CONFIG="$PG_CONFIG" "$@" install
}

# sc_cluster_init DIR [initdb options]: a cluster with the library preloaded, on a socket in DIR/..
sc_cluster_init() {
	local dir=$1
	shift
	sc_user "$PG_BIN/initdb" -D "$dir" -U postgres -E UTF8 --locale=C.UTF-8 -A trust -N "$@" >"$dir.initdb.log" 2>&1 ||
		{ cat "$dir.initdb.log" >&2; return 1; }
	sc_user tee -a "$dir/postgresql.conf" >/dev/null <<-CONF
		listen_addresses = ''
		unix_socket_directories = '$(dirname "$dir")'
		shared_preload_libraries = 'seoulchain'
		timezone = 'UTC'
		log_line_prefix = '%m [%p] %q%a '
	CONF
}

# sc_cluster_start DIR / sc_cluster_stop DIR [mode]
sc_cluster_start() {
	sc_user "$PG_BIN/pg_ctl" start -s -w -t 120 -D "$1" -l "$1.log" >/dev/null 2>&1 </dev/null ||
		{ tail -n 20 "$1.log" >&2; return 1; }
}
sc_cluster_stop() {
	sc_user "$PG_BIN/pg_ctl" stop -s -w -t 120 -m "${2:-fast}" -D "$1" >/dev/null
}
