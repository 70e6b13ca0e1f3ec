#!/usr/bin/env bash
# The worked example of docs/format.md holds for a checker that shares no code
# with Seoulchain (test/vectors/check_receipt.pl), and not when it is altered.
set -u
cd "$(dirname "$0")/../.."
vectors=$1/vectors
check=test/vectors/check_receipt.pl
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
passed=0
failed=0

count() {	# what: the status of the command before
	if [ $? -eq 0 ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "failed: $1"
	fi
}

while read -r key; do
	[ "$(perl $check "$key" "$vectors/format_receipt")" = "$(sed -n 3p "$vectors/format_leaves")" ]
	count "receipt with key $key"
	for expression in 's/^index 2/index 1/' 's/^extra eyJjaGF/extra eyJjaGG/' 's/^mHSo/mHSp/' 's/^Y4fr/Y4fs/' 's/^4$/5/'; do
		sed "$expression" "$vectors/format_receipt" > "$dir/altered"
		! cmp -s "$dir/altered" "$vectors/format_receipt" && ! perl $check "$key" "$dir/altered" > /dev/null
		count "altered by $expression"
	done
done < "$vectors/format_keys"
printf '%-14s %d passed, %d failed\n' independent $passed $failed
[ $failed -eq 0 ]
