#!/usr/bin/env bash
# tools/check_includes finds each kind of offence, and nothing in a clean tree.
set -u
cd "$(dirname "$0")/../.."
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
passed=0
failed=0

fresh() {
	rm -rf "$dir/src" "$dir/services" "$dir/tools"
	mkdir -p "$dir/tools" "$dir/services/voting" "$dir/include"
	for room in core sign ledger member seal proof contract network bin; do
		mkdir -p "$dir/src/$room"
		echo '#include <string.h>' > "$dir/src/$room/x.h"
	done
	printf '#include "postgres.h"\n#include "sign/x.h"\n#include "core/x.h"\n' > "$dir/src/ledger/a.c"
	printf '#include "postgres.h"\n#include "core/x.h"\n' > "$dir/src/sign/server_a.c"
	printf '#include "contract/x.h"\n' > "$dir/src/network/a.c"
	printf '#include "sign/x.h"\n' > "$dir/src/bin/a.c"
	printf '#if PG_VERSION_NUM\n#endif\n' > "$dir/src/compat.h"
	printf '#include "postgres.h"\n#include "seoulchain.h"\n' > "$dir/services/voting/a.c"
	cp tools/check_includes "$dir/tools/"
}

expect() {	# rc, words in the output, what
	local out rc
	out=$("$dir/tools/check_includes" 2>&1)
	rc=$?
	if [ $rc -eq "$1" ] && [[ $out == *"$2"* ]] && { [ $rc -ne 0 ] || [ -z "$out" ]; }; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "failed: $3: exit $rc, $out"
	fi
}

offend() {	# file, line, words
	fresh
	echo "$2" >> "$dir/$1"
	expect 1 "$3" "$1: $2"
}

fresh
expect 0 "" "clean tree"
offend src/core/x.h '#include "sign/x.h"' 'sign is above core'
offend src/sign/x.h '#include "ledger/x.h"' 'ledger is above sign'
offend src/ledger/a.c '#include "seal/x.h"' 'seal is above ledger'
offend src/seal/x.h '# include "proof/x.h"' 'proof is above seal'
offend src/proof/x.h '#include "contract/x.h"' 'contract is above proof'
offend src/contract/x.h '	#include "network/x.h"' 'network is above contract'
offend src/core/x.h '#include "postgres.h"' 'no server code'
offend src/core/x.h '#include <postgres.h>' 'no server code'
offend src/sign/x.h '#include "utils/memutils.h"' 'no server code'
offend src/bin/a.c '#include "compat.h"' 'no server code'
offend src/bin/a.c '#include "ledger/x.h"' 'core and sign only'
offend src/seal/x.h '#include "bin/x.h"' 'nobody includes the program'
offend src/seal/x.h '#if PG_VERSION_NUM' 'PG_VERSION_NUM'
offend services/voting/a.c '#include "core/x.h"' 'only include/seoulchain.h'

printf '%-14s %d passed, %d failed\n' includes $passed $failed
[ $failed -eq 0 ]
