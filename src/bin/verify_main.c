/*
 * verify_main.c
 *	  seoulchain-verify: checks receipts and checkpoints, without a server.
 *
 * Reads options, judges each file, compares them with each other, and exits
 * with the worst verdict (1, then 3, then 2, then 0).
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "bin/evidence.h"

#ifndef SC_VERIFY_VERSION
#define SC_VERIFY_VERSION "1"
#endif

static const char help[] =
"seoulchain-verify checks that a row stands in a Seoulchain ledger, offline.\n"
"\n"
"Usage:\n"
"  seoulchain-verify --key VKEY FILE...\n"
"  seoulchain-verify --policy FILE FILE...\n"
"  seoulchain-verify --key VKEY DIRECTORY\n"
"\n"
"A FILE is a receipt (one row or other record with its proof) or a checkpoint\n"
"(the signed statement about a whole chain); - is standard input. Give several to compare them: two\n"
"checkpoints of one chain with one size and different root hashes prove that its\n"
"holder told two stories. A DIRECTORY is the evidence about one signed row: who signed\n"
"it, and whether the key was valid then. A FILE may also be a dispute: a proof\n"
"against a chain, or a complaint about it; the program says which, and whether it holds.\n"
"\n"
"Options:\n"
"  -k, --key VKEY      the key of a chain or witness, as name+id+base64; may be\n"
"                      given several times, and then each must have signed\n"
"  -p, --policy FILE   a C2SP tlog-policy file: lines \"log\", \"witness\", \"group\",\n"
"                      \"quorum\"\n"
"  -c, --consistency FILE   with two FILEs of one chain: check that the longer\n"
"                      history extends the shorter; FILE has the consistency\n"
"                      proof, one base64 hash a line\n"
"  -t, --timestamp TOKEN    with one FILE: check that this RFC 3161 timestamp proves\n"
"                      when its checkpoint existed\n"
"  -a, --authority PEM with --timestamp or a DIRECTORY: the certificates of a time authority whom\n"
"                      you believe; may be given several times\n"
"  -r, --crl FILE      with --authority: a certificate revocation list\n"
"  -R, --rotation FILE the receipt of a change of key: what it shows to follow from a\n"
"                      key of yours counts for that key from then on; may be given\n"
"                      several times\n"
"  -P, --profile NAME  algorithms that count: any, or kcmvp for approved ones only\n"
"  -s, --signature JWS with one receipt: check that a member signed the row\n"
"  -m, --member-key FILE    with --signature: the member's public key or certificate\n"
"  -C, --column NAME   with --signature: a column that was signed; once for each\n"
"  -h, --help          this text\n"
"  -V, --version       the version of this program and of the formats it reads\n"
"\n"
"Where to get a key: from the agency that runs the chain, by a way that you\n"
"trust, never from whoever handed you the receipt.\n"
"\n"
"Exit code, the worst of all files (1 before 3 before 2 before 0):\n"
"  0  verified: true, and those whom you trust vouch for it\n"
"  1  not true: altered, damaged, wrongly signed, or two different histories\n"
"  2  nobody vouches: the arithmetic is right, but nobody whom you trust has\n"
"     signed, or no key or policy was given\n"
"  3  cannot tell: wrong usage, or a file that cannot be read\n"
"  4  doubtful: a row of a DIRECTORY was rightly accepted, but its key may have\n"
"     been in other hands\n"
"  5  undecided: what the DIRECTORY shows does not decide whether the key was valid;\n"
"     or a complaint, which convicts nobody\n"
"A dispute whose proof holds is 0: what it says is true.\n";

/* a complaint about the command line */
static int
usage_error(const char *what)
{
	fprintf(stderr, "seoulchain-verify: %s\nTry \"seoulchain-verify --help\".\n", what);
	return SC_UNUSABLE;
}

/* judges all files, then the pairs */
static ScVerdict
run(const ScTrust *trust, const char *proof, const ScStamp *stamp, const ScRowSignature *signature,
	char **paths, int npaths)
{
	ScFile	   *files = calloc((size_t) npaths, sizeof(ScFile));
	ScVerdict	verdict = SC_VERIFIED;

	if (files == NULL)
		return SC_UNUSABLE;
	for (int i = 0; i < npaths; i++)
	{
		files[i].path = paths[i];
		sc_verify_file(&files[i], trust);
		verdict = sc_verdict_worse(verdict, files[i].verdict);
	}
	verdict = sc_verdict_worse(verdict, sc_verify_forks(files, npaths, trust));
	if (proof)
		verdict = sc_verdict_worse(verdict, sc_verify_consistency(&files[0], &files[1], trust, proof));
	if (stamp->path)
		verdict = sc_verdict_worse(verdict, sc_verify_timestamp(&files[0], stamp));
	if (signature->jws_path)
		verdict = sc_verdict_worse(verdict, sc_verify_signature(&files[0], signature));
	for (int i = 0; i < npaths; i++)
		sc_verify_free(&files[i]);
	free(files);
	return verdict;
}

static bool
any_directory(char **paths, int npaths)
{
	for (int i = 0; i < npaths; i++)
	{
		if (sc_is_directory(paths[i]))
			return true;
	}
	return false;
}

/* the exit code; a verdict that could not be told is none */
static int
finish(ScVerdict verdict, ScTrust *trust, ScStamp *stamp)
{
	sc_trust_free(trust);
	sc_authorities_free(stamp->authorities);
	return fflush(stdout) == 0 ? (int) verdict : usage_error("cannot write the verdict");
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
		{"key", required_argument, NULL, 'k'},
		{"policy", required_argument, NULL, 'p'},
		{"consistency", required_argument, NULL, 'c'},
		{"timestamp", required_argument, NULL, 't'},
		{"authority", required_argument, NULL, 'a'},
		{"crl", required_argument, NULL, 'r'},
		{"rotation", required_argument, NULL, 'R'},
		{"profile", required_argument, NULL, 'P'},
		{"signature", required_argument, NULL, 's'},
		{"member-key", required_argument, NULL, 'm'},
		{"column", required_argument, NULL, 'C'},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'},
		{NULL, 0, NULL, 0}
	};
	static ScTrust trust;
	static ScStamp stamp;
	static ScRowSignature signature;
	static const char *rotations[SC_FOLLOWERS_MAX];
	const char *proof = NULL;
	ScVerdict	verdict;
	int			nrotations = 0;
	int			c;

	while ((c = getopt_long(argc, argv, "k:p:c:t:a:r:R:P:s:m:C:hV", options, NULL)) != -1)
	{
		switch (c)
		{
			case 'k':
				if (trust.has_policy)
					return usage_error("give keys or a policy, not both");
				if (!sc_trust_add_key(&trust, optarg))
					return SC_UNUSABLE;
				break;
			case 'p':
				if (trust.policy.nkeys > 0 || trust.has_policy)
					return usage_error("give keys or one policy, not both");
				if (!sc_trust_read_policy(&trust, optarg))
					return SC_UNUSABLE;
				break;
			case 'c':
				proof = optarg;
				break;
			case 't':
				stamp.path = optarg;
				break;
			case 'a':
				if (!sc_stamp_add_authority(&stamp, optarg))
					return SC_UNUSABLE;
				break;
			case 'r':
				if (!sc_stamp_add_crl(&stamp, optarg))
					return SC_UNUSABLE;
				break;
			case 'R':
				if (nrotations == SC_FOLLOWERS_MAX)
					return usage_error("too many changes of key");
				rotations[nrotations++] = optarg;
				break;
			case 'P':
				if (!sc_profile_parse(&trust.profile, optarg))
					return usage_error("the profile is any or kcmvp");
				signature.profile = trust.profile;
				break;
			case 's':
				signature.jws_path = optarg;
				break;
			case 'm':
				signature.key_path = optarg;
				break;
			case 'C':
				if (signature.ncolumns == SC_SIGNED_COLUMNS_MAX)
					return usage_error("too many columns");
				signature.columns[signature.ncolumns++] = optarg;
				break;
			case 'h':
				fputs(help, stdout);
				return SC_VERIFIED;
			case 'V':
				puts("seoulchain-verify " SC_VERIFY_VERSION " (leaf format 1, tlog-proof@v1, cosignature/v1)");
				return SC_VERIFIED;
			default:
				return usage_error("wrong usage");
		}
	}
	if (optind == argc)
		return usage_error("no file given");
	if (!sc_trust_check_profile(&trust))
		return SC_UNUSABLE;
	if (any_directory(argv + optind, argc - optind))
	{
		if (argc - optind != 1 || proof || stamp.path || signature.jws_path || signature.key_path || signature.ncolumns > 0)
			return usage_error("a directory of evidence is judged alone, with --key, --policy, --authority and --crl");
		verdict = sc_verify_rotations(&trust, rotations, nrotations);
		return finish(sc_verdict_worse(verdict, sc_verify_evidence(argv[optind], &trust, &stamp)), &trust, &stamp);
	}
	if (proof && argc - optind != 2)
		return usage_error("--consistency takes two files to compare");
	if (stamp.path && argc - optind != 1)
		return usage_error("--timestamp takes one file");
	if ((stamp.path != NULL) != stamp.has_authority)
		return usage_error("--timestamp and --authority go together");
	if (signature.jws_path && argc - optind != 1)
		return usage_error("--signature takes one file");
	if ((signature.jws_path != NULL) != (signature.key_path != NULL) ||
		(signature.jws_path != NULL) != (signature.ncolumns > 0))
		return usage_error("--signature, --member-key and --column go together");
	verdict = sc_verify_rotations(&trust, rotations, nrotations);
	verdict = sc_verdict_worse(verdict, run(&trust, proof, &stamp, &signature, argv + optind, argc - optind));
	return finish(verdict, &trust, &stamp);
}
