# lib_network.sh - several nodes on one machine, each a cluster with a data directory, a port and keys of its own.
#
# Source it after lib.sh and set NET_DIR, a folder for the data and keys of each
# node and their sockets; nothing listens on TCP.  A node's name in the network
# is $NET/<name>, its database city, its chain main.  NET_CONF: more settings.

NET=${NET:-city.example}

# net_names / net_port NAME: what the file of nodes says
net_names() { cut -d' ' -f1 "$NET_DIR/nodes"; }
net_port() { awk -v name="$1" '$1 == name { print $2 }' "$NET_DIR/nodes"; }
net_others() { net_names | grep -vx -- "$1" || true; }

# net_schema NAME: the schema of an agency's tables (names of tables are unique in the network)
net_schema() { echo "${1//[-.]/_}"; }

# net_origin NAME: of its chain
net_origin() { echo "$NET/$1/main"; }

# net_sql NAME SQL: what psql prints, without decoration; stops at an error
net_sql() {
	sc_user env PGHOST="$NET_DIR" PGPORT="$(net_port "$1")" PGUSER=postgres PGDATABASE=city \
		"$PG_BIN/psql" -XAtq -v ON_ERROR_STOP=1 -c "$2"
}

# net_wait NAME SECONDS SQL: until the query answers t; false if it never does
net_wait() {
	local until=$((SECONDS + $2))
	while [ "$(net_sql "$1" "$3" 2>/dev/null)" != t ]; do
		[ $SECONDS -lt $until ] || return 1
		sleep 0.1
	done
}

# net_settings COUNT: what a server needs that is one of so many nodes (docs/network.md)
net_settings() {
	local peers=$(($1 - 1))
	cat <<-CONF
		wal_level = logical
		max_wal_senders = $((4 * peers + 4))
		max_replication_slots = $((4 * peers + 4))
		max_logical_replication_workers = $((peers + 4))
		max_worker_processes = $((peers + 16))
		max_connections = $((4 * peers + 40))
		wal_retrieve_retry_interval = 1s
	CONF
}

# net_check_folder DIR: whether sockets can be in a folder of that name
net_check_folder() {
	[ ${#1} -le 80 ] || sc_die "$1 is too long a name for a folder of sockets"
	case $1 in *["'\\,"\"]*) sc_die "$1: no quotes, commas and backslashes in the name of a folder of sockets" ;; esac
}

# net_make PORT NAME...: clusters that run, each a node with a key and a chain
net_make() {
	local port=$1 name
	shift
	net_check_folder "$NET_DIR"
	sc_user mkdir "$NET_DIR/data" "$NET_DIR/keys"
	for name in "$@"; do
		echo "$name $((port++))"
	done | sc_user tee "$NET_DIR/nodes" >/dev/null
	for name in "$@"; do
		net_init "$name" $#
	done
	for name in "$@"; do
		net_start "$name"
		net_node "$name"
	done
}

# net_init NAME COUNT: its cluster, one of so many
net_init() {
	local data=$NET_DIR/data/$1
	sc_cluster_init "$data"
	sc_user mkdir -m 700 "$NET_DIR/keys/$1"
	{
		net_settings "$2"
		printf "port = %s\nunix_socket_directories = '%s'\nseoulchain.sign_key_directory = '%s'\n" \
			"$(net_port "$1")" "$NET_DIR" "$NET_DIR/keys/$1"
		printf '%s\n' "${NET_CONF:-}"
	} | sc_user tee -a "$data/postgresql.conf" >/dev/null
}

net_start() { sc_cluster_start "$NET_DIR/data/$1"; }
net_stop() { sc_cluster_stop "$NET_DIR/data/$1" "${2:-fast}"; }

# net_running NAME: a process that has the number in postmaster.pid and is at work in that folder, not just one that got the number later
net_running() {
	local pid
	pid=$(sc_user head -n 1 "$NET_DIR/data/$1/postmaster.pid" 2>/dev/null) &&
		[ "$(sc_user readlink "/proc/$pid/cwd")" = "$(sc_user realpath "$NET_DIR/data/$1")" ]
}

# net_node NAME: database, extension, node, chain
net_node() {
	sc_user env PGHOST="$NET_DIR" PGPORT="$(net_port "$1")" PGUSER=postgres "$PG_BIN/createdb" city
	net_sql "$1" "CREATE EXTENSION seoulchain"
	net_sql "$1" "SELECT seoulchain.create_node('$NET/$1')" >/dev/null
	net_sql "$1" "SELECT seoulchain.create_chain('main')" >/dev/null
	net_sql "$1" "CREATE SCHEMA \"$(net_schema "$1")\""
}

# net_join NAME OTHER: each the other's peer, each follows the other's chain
net_join() {
	net_role "$1" "$2"
	net_role "$2" "$1"
	net_peer "$1" "$2"
	net_peer "$2" "$1"
}

# net_joined NAME PEER: whether one side has said all of that
net_joined() { [ -n "$(net_sql "$1" "SELECT 1 FROM seoulchain.follow WHERE origin = '$(net_origin "$2")'")" ]; }

# net_role NAME PEER: the role by which the peer connects
net_role() {
	[ -n "$(net_sql "$1" "SELECT 1 FROM pg_roles WHERE rolname = 'node_$2'")" ] || net_sql "$1" "CREATE ROLE \"node_$2\" LOGIN REPLICATION"
	net_sql "$1" "GRANT pg_read_all_data TO \"node_$2\""
}

# net_peer NAME PEER: what one side says
net_peer() {
	local key
	key=$(net_sql "$2" "SELECT seoulchain.cosigner_key()")
	net_sql "$1" "SELECT seoulchain.add_peer('$NET/$2', 'host=''$NET_DIR'' port=$(net_port "$2") dbname=city user=node_$1', '$key', 'node_$2')" >/dev/null
	net_sql "$1" "SELECT seoulchain.share('main', '$NET/$2')" >/dev/null
	net_sql "$1" "SELECT seoulchain.follow('$(net_origin "$2")')" >/dev/null
}

# net_cosigned NAME SECONDS: until everything committed there is in a block that all others cosigned, and it knows
net_cosigned() {
	local size
	net_sql "$1" "SELECT seoulchain.seal()" >/dev/null
	size=$(net_sql "$1" "SELECT max(tree_size) FROM seoulchain.block WHERE chain = 'main'")
	net_wait "$1" "$2" "SELECT count(DISTINCT witness) = $(net_others "$1" | wc -l) FROM seoulchain.cosignature
		WHERE origin = '$(net_origin "$1")' AND tree_size >= $size AND witness <> '$NET/$1'"
}
