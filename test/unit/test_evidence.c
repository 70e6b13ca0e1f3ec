/*
 * test_evidence.c
 *	  seoulchain-verify on directories of evidence, as a user runs it: answers, exit codes, and evidence that lies.
 *
 * Each case builds a chain of a few leaves with real signatures, writes the
 * directory, and runs the program.
 */
#include "evidence.h"

static void
test_valid(void)
{
	standard_chain();
	standard_files();
	CHECK(judged(0, "e: VERIFIED"));
	CHECK(says("Answer: valid (in_force)") && says("signer         kim") && says("k1, Ed25519") &&
		  says("registered at  2026-03-01 09:00:01+00 (leaf 4)") && says("signed         car, inspector, km, nonce") &&
		  says("not signed     signature") && says("car = KMHEM42APXA000001") && says("Not known:"));
	CHECK(run("e") == 2 && says("NOBODY VOUCHES") && says("no key and no policy") && says("Answer: valid"));
	CHECK(run_key(log_vkey, "e/") == 0);
	CHECK(run_key(log_vkey, "e e") == 3 && says("judged alone"));
	CHECK(run_key(log_vkey, "e e/row.receipt") == 3 && says("judged alone"));
	CHECK(run_key(log_vkey, "-s e/row.receipt e") == 3 && says("judged alone"));
	CHECK(run_key(log_vkey, "e > /dev/full") == 3);
}

/* a row just before and just after the end of a key, by a microsecond */
static void
test_ends(void)
{
	static const struct
	{
		const char *time;		/* of the revocation */
		bool		before;		/* it stands before the row in the tree */
		int			code;
		const char *words;
	}			cases[] = {
		{"2026-03-02 10:00:00.000001+00", false, 0, "valid (in_force)"},
		{"2026-03-02 10:00:00+00", false, 0, "valid (in_force)"},
		{"2026-03-02 09:59:59.999999+00", false, 5, "undecided (sealed_before_end)"},
		{"2026-03-02 10:00:00.000001+00", true, 5, "undecided (sealed_after_end)"},
		{"2026-03-02 10:00:00+00", true, 1, "invalid (ended)"},
		{"2026-03-02 09:59:59.999999+00", true, 1, "invalid (ended)"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		for (int whole = 0; whole < 2; whole++)
		{
			uint64_t	status = 0;

			begin_chain();
			if (cases[i].before)
				status = put_status("kim", whole ? NULL : "k1", "revoke", NULL, cases[i].time);
			row = put_signed("kim", &kim, HEADER, ROW_TIME, false, NULL);
			if (!cases[i].before)
				status = put_status("kim", whole ? NULL : "k1", "revoke", NULL, cases[i].time);
			standard_files();
			put_receipt("status-1.receipt", status);
			CHECK(judged(cases[i].code, cases[i].words));
			CHECK(says("revoke of the") && says("card lost"));

			/* the same record twice changes nothing */
			put_receipt("status-2.receipt", status);
			CHECK(judged(cases[i].code, cases[i].words));
		}
	}
	CHECK(says("NOT TRUE") && says("see status-1.receipt"));

	/* somebody else's, or another key's */
	begin_chain();
	(void) put_status("lee", NULL, "revoke", NULL, "2026-03-01 12:00:00+00");
	(void) put_status("kim", "k0", "revoke", NULL, "2026-03-01 12:00:00+00");
	(void) put_status("kim", "k1", "burn", NULL, "2026-03-01 12:00:00+00");
	row = put_signed("kim", &kim, HEADER, ROW_TIME, false, NULL);
	standard_files();
	put_receipt("status-1.receipt", 7);
	put_receipt("status-2.receipt", 8);
	CHECK(judged(0, "2 of the files say nothing"));
	put_receipt("status-3.receipt", 9);
	CHECK(judged(1, "neither suspends"));
}

static void
test_suspended(void)
{
	uint64_t	suspended;
	uint64_t	resumed;

	begin_chain();
	suspended = put_status("kim", "k1", "suspend", NULL, "2026-03-02 08:00:00+00");
	resumed = put_status("kim", "k1", "resume", NULL, "2026-03-02 09:00:00+00");
	row = put_signed("kim", &kim, HEADER, ROW_TIME, false, NULL);
	standard_files();
	put_receipt("status-1.receipt", suspended);
	CHECK(judged(1, "invalid (suspended)"));
	put_receipt("status-2.receipt", resumed);
	CHECK(judged(0, "valid (in_force)"));
	/* a resumption of the member does not resume the key */
	begin_chain();
	suspended = put_status("kim", "k1", "suspend", NULL, "2026-03-02 08:00:00+00");
	resumed = put_status("kim", NULL, "resume", NULL, "2026-03-02 09:00:00+00");
	row = put_signed("kim", &kim, HEADER, ROW_TIME, false, NULL);
	standard_files();
	put_receipt("status-1.receipt", suspended);
	put_receipt("status-2.receipt", resumed);
	CHECK(judged(1, "invalid (suspended)"));
}

/* the policy of one log and one witness, who has to sign */
static int
run_policy(const char *arguments)
{
	char		text[2048];
	int			n = snprintf(text, sizeof(text), "log %s\nwitness hall %s\nquorum hall\n", log_vkey, witness_vkey);

	write_file("policy", text, (size_t) n);
	snprintf(text, sizeof(text), "--policy policy %s", arguments);
	return run(text);
}

static void
test_compromised(void)
{
	uint64_t	status;

	standard_chain();
	status = put_status("kim", "k1", "revoke", "2026-03-02 09:00:00+00", "2026-03-03 10:00:00+00");
	standard_files();
	put_receipt("status-1.receipt", status);
	CHECK(judged(4, "e: DOUBTFUL") && says("doubtful (compromised)") && says("since 2026-03-02 09:00:00+00"));

	/* before the compromise: who trusts the origin alone has its word; who names a witness wants to see it */
	standard_chain();
	status = put_status("kim", "k1", "revoke", "2026-03-02 11:00:00+00", "2026-03-03 10:00:00+00");
	standard_files();
	put_receipt("status-1.receipt", status);
	CHECK(judged(0, "valid (in_force)"));
}

/* outside times: the cosigned checkpoint that first holds the row */
static void
test_outside(void)
{
	uint64_t	status;

	/* the receipts' own checkpoint is cosigned long before the row's time: a clock went wrong */
	standard_chain();
	standard_files();
	CHECK(run_policy("e") == 5 && says("undecided (time_refuted)"));

	/* a later row, so that the receipts' cosignature (2025-12-31) is not in the way */
	begin_registry();
	member_kim = ROW("members.member", "2025-03-01 09:00:00+00", "kind", "clerk", "member", "kim");
	key_kim = put_key("members.key", "kim", "k1", &kim, NULL, "2025-03-01 09:00:01+00", false);
	row = put_signed("kim", &kim, HEADER, "2025-03-02 10:00:00+00", false, NULL);
	status = put_status("kim", "k1", "revoke", "2025-03-02 11:00:00+00", "2025-03-03 10:00:00+00");
	standard_files();
	put_receipt("status-1.receipt", status);
	CHECK(judged(0, "valid (in_force)"));
	CHECK(run_policy("e") == 5 && says("undecided (not_shown_before)"));
	put_checkpoint(row + 1, 1740909605, false);
	CHECK(run_policy("e") == 3 && says("no consistency proof connects"));
	put_checkpoint(row + 1, 1740909605, true);
	CHECK(run_policy("e") == 0 && says("valid (shown_before)") && says("seen by        2025-03-02 10:00:06 UTC, says checkpoint-6"));
	put_checkpoint(row + 1, 1740913199, true);
	CHECK(run_policy("e") == 5 && says("not_shown_before"));

	/* a checkpoint without the row says nothing about it */
	empty_directory();
	standard_files();
	put_receipt("status-1.receipt", status);
	put_checkpoint(row, 1740909605, true);
	CHECK(run_policy("e") == 5 && says("not_shown_before"));

	/* one that lies, or is called by another size */
	put_checkpoint(row + 1, 1740909605, true);
	write_file("e/consistency-6", "", 0);
	CHECK(run_policy("e") == 1 && says("consistency-6: This proof does not connect"));
}

static void
test_delegation(void)
{
	static const struct
	{
		const char *tables;
		const char *until;
		bool		granted;	/* before the row */
		bool		ended;		/* before the row */
		int			code;
		const char *words;
	}			cases[] = {
		{"{usedcar.inspection}", "2026-12-31 00:00:00+00", true, false, 0, "valid (in_force)"},
		{"{other.table,usedcar.inspection}", "infinity", true, false, 0, "valid (in_force)"},
		{"{usedcar.inspection}", NULL, true, false, 1, "invalid (expired)"},
		{"{usedcar.inspection}", "2026-03-02 10:00:00+00", true, false, 1, "invalid (expired)"},
		{"{usedcar.inspection}", "2026-03-02 10:00:00.000001+00", true, false, 0, "valid"},
		{"{usedcar.inspection}", "never", true, false, 1, "is no time"},
		{"{other.table}", "2026-12-31 00:00:00+00", true, false, 5, "no delegation by the signer"},
		{"{\"usedcar.inspection#2\"}", "2026-12-31 00:00:00+00", true, false, 5, "no delegation by the signer"},
		{"{usedcar.inspection}", "2026-12-31 00:00:00+00", false, false, 1, "invalid (not_registered)"},
		{"{usedcar.inspection}", "2026-12-31 00:00:00+00", true, true, 1, "invalid (ended)"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		uint64_t	grant = 0;
		uint64_t	end = 0;

		begin_chain();
		if (cases[i].granted)
			grant = ROW("members.delegation", "2026-03-01 10:00:00+00", "action", "grant", "delegate", "lee", "member", "kim",
						"tables", cases[i].tables, "until", cases[i].until);
		if (cases[i].ended)
			end = ROW("members.delegation", "2026-03-01 11:00:00+00", "action", "end", "delegate", "lee", "member", "kim",
					  "tables", cases[i].tables);
		row = put_signed("kim", &lee, HEADER, ROW_TIME, false, NULL);
		if (!cases[i].granted)
			grant = ROW("members.delegation", "2026-03-03 10:00:00+00", "action", "grant", "delegate", "lee", "member", "kim",
						"tables", cases[i].tables, "until", cases[i].until);
		standard_files();
		put_receipt("key.receipt", key_lee);
		CHECK(judged(3, "no file delegate.receipt"));
		put_receipt("delegate.receipt", member_kim);
		CHECK(judged(1, "registration of another member"));
		put_receipt("delegate.receipt", member_lee);
		CHECK(judged(5, "undecided (not_shown)"));
		put_receipt("delegation-1.receipt", grant);
		if (cases[i].ended)
			put_receipt("delegation-2.receipt", end);
		CHECK(judged(cases[i].code, cases[i].words));
		if (cases[i].code == 0)
		{
			uint64_t	status;

			CHECK(says("signed by      lee, a delegate"));

			/* the delegate's own revocation counts, and so does the signer's */
			begin_chain();
			grant = ROW("members.delegation", "2026-03-01 10:00:00+00", "action", "grant", "delegate", "lee", "member", "kim",
						"tables", cases[i].tables, "until", cases[i].until);
			status = put_status(i == 0 ? "lee" : "kim", NULL, "revoke", NULL, "2026-03-01 12:00:00+00");
			row = put_signed("kim", &lee, HEADER, ROW_TIME, false, NULL);
			standard_files();
			put_receipt("key.receipt", key_lee);
			put_receipt("delegate.receipt", member_lee);
			put_receipt("delegation-1.receipt", grant);
			put_receipt("status-1.receipt", status);
			CHECK(judged(1, "invalid (ended)"));
		}
	}
}

static void
test_rotation(void)
{
	uint64_t	successor;
	uint64_t	other;

	begin_chain();
	successor = put_key("members.key", "kim", "k2", &lee, "k1", "2026-03-02 09:00:00+00", false);
	other = put_key("members.key", "lee", "k2", &lee, "k1", "2026-03-02 09:00:00+00", false);
	row = put_signed("kim", &kim, HEADER, ROW_TIME, false, NULL);
	standard_files();
	put_receipt("successor.receipt", successor);
	CHECK(judged(1, "invalid (ended)") && says("see successor.receipt") && says("replaced at"));
	put_receipt("successor.receipt", other);
	CHECK(judged(0, "1 of the files says nothing"));
	standard_chain();
	successor = put_key("members.key", "kim", "k2", &lee, "k1", "2026-03-02 10:00:00.000001+00", false);
	standard_files();
	put_receipt("successor.receipt", successor);
	CHECK(judged(0, "valid (in_force)"));
}

/* registrations that are none: another member's, another table's, later than the row */
static void
test_registrations(void)
{
	uint64_t	fake;

	standard_chain();
	standard_files();
	put_receipt("key.receipt", key_lee);
	CHECK(judged(3, "no file delegate.receipt"));
	standard_files();
	put_receipt("member.receipt", member_lee);
	CHECK(judged(1, "member.receipt: It is the registration of another member."));

	/* a table that looks like the registry, and one that was made anew under its name */
	for (int i = 0; i < 3; i++)
	{
		static const char *const tables[] = {"members.key#2", "mymembers.key", "members.member"};

		begin_chain();
		fake = put_key(tables[i], "kim", "k1", &lee, NULL, "2026-03-01 09:30:00+00", false);
		row = put_signed("kim", &lee, HEADER, ROW_TIME, false, NULL);
		standard_files();
		put_receipt("key.receipt", fake);
		CHECK(judged(1, "key.receipt: It is no row of the table in which this chain keeps such records."));
	}
	standard_chain();
	fake = put_key("members.key", "kim", "k2", &kim, NULL, "2026-03-01 09:30:00+00", false);
	standard_files();
	put_receipt("key.receipt", fake);
	CHECK(judged(1, "invalid (not_registered)"));
	begin_chain();
	fake = put_key("members.key", "kim", "k2", &kim, NULL, "2026-03-02 10:00:00.000001+00", false);
	row = put_signed("kim", &kim, HEADER, ROW_TIME, false, NULL);
	standard_files();
	put_receipt("key.receipt", fake);
	CHECK(judged(1, "invalid (not_registered)"));

	/* members.receipt and rule.receipt are what they have to be */
	standard_files();
	put_receipt("members.receipt", rule_event);
	CHECK(judged(1, "no event of type \"members\""));
	standard_files();
	put_receipt("rule.receipt", members_event);
	CHECK(judged(1, "no event of type \"signature\""));
	put_receipt("rule.receipt", row);
	CHECK(judged(1, "no event of type \"signature\""));
	standard_files();
	put_receipt("row.receipt", rule_event);
	CHECK(judged(1, "It is no row."));
	put_receipt("row.receipt", member_lee);
	CHECK(judged(1, "This rule is another table's."));
}

static void
test_rules(void)
{
	/* a rule that came after the row, and one of the table's namesake */
	standard_chain();
	rule_event = put_event(TABLE, RULE);
	standard_files();
	CHECK(judged(5, "undecided (before_rule)"));

	/* nor did it ask for the columns that it names: who shows it has not shown that the ledger took a bad signature */
	rule_event = put_event(TABLE, "{\"columns\":[\"car\",\"km\"],\"signature\":\"signature\",\"signer\":\"inspector\",\"type\":\"signature\"}");
	standard_files();
	CHECK(judged(5, "undecided (before_rule)"));
	rule_event = put_event(TABLE "#2", RULE);
	standard_files();
	CHECK(judged(1, "another table's"));
	rule_event = put_event(TABLE, "{\"columns\":\"car\",\"signature\":\"signature\",\"signer\":\"inspector\",\"type\":\"signature\"}");
	standard_files();
	CHECK(judged(1, "does not say which columns"));
	begin_chain();
	rule_event = put_event(TABLE, "{\"columns\":[\"car\",\"km\"],\"signature\":\"signature\",\"signer\":\"inspector\",\"type\":\"signature\"}");
	row = put_signed("kim", &kim, HEADER, ROW_TIME, false, NULL);
	standard_files();
	CHECK(judged(1, "invalid (bad_signature)"));
	CHECK(judged(1, "by the rule and key that were shown its signature is not valid"));
	CHECK(judged(1, "Not known: whether another key of the signer, or a later rule of the table before the row, makes the signature good."));

	/* a row that names no time, no signer, no signature */
	begin_chain();
	row = put_signed("kim", &kim, HEADER, NULL, false, NULL);
	standard_files();
	CHECK(judged(5, "undecided (no_time)"));
	begin_chain();
	row = put_signed("kim", &kim, HEADER, "yesterday", false, NULL);
	standard_files();
	CHECK(judged(5, "undecided (no_time)"));
	row = ROW(TABLE, ROW_TIME, "car", "KMHEM42APXA000001", "inspector", "kim");
	standard_files();
	CHECK(judged(1, "It holds no signature."));
	row = ROW(TABLE, ROW_TIME, "car", "KMHEM42APXA000001");
	standard_files();
	CHECK(judged(1, "It names no signer."));
}

static void
test_signatures(void)
{
	static const struct
	{
		const char *header;
		int			code;
		const char *words;
	}			cases[] = {
		{"{\"alg\":\"EdDSA\",\"kid\":\"k1\",\"typ\":\"seoulchain-row+jws\"}", 0, "valid"},
		{"{\"alg\":\"EdDSA\",\"kid\":\"k2\",\"typ\":\"seoulchain-row+jws\"}", 1, "bad_signature"},
		{"{\"alg\":\"none\",\"typ\":\"seoulchain-row+jws\"}", 1, "bad_signature"},
		{"{\"alg\":\"ES256\",\"typ\":\"seoulchain-row+jws\"}", 1, "bad_signature"},
		{"{\"alg\":\"EdDSA\",\"typ\":\"JWT\"}", 1, "bad_signature"},
		{"{\"alg\":\"EdDSA\",\"crit\":[\"b64\"],\"typ\":\"seoulchain-row+jws\"}", 1, "bad_signature"},
	};
	ScBuf		jws = SC_BUF_INIT;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		begin_chain();
		row = put_signed("kim", &kim, cases[i].header, ROW_TIME, false, NULL);
		standard_files();
		CHECK(judged(cases[i].code, cases[i].words));
	}
	begin_chain();
	row = put_signed("kim", &lee, HEADER, ROW_TIME, false, NULL);
	standard_files();
	CHECK(judged(1, "invalid (bad_signature)"));

	/* beside the row, because the row has its digest only */
	begin_chain();
	row = put_signed("kim", &kim, HEADER, ROW_TIME, true, &jws);
	standard_files();
	CHECK(judged(3, "no file row.jws"));
	write_file("e/row.jws", jws.data, jws.len);
	CHECK(judged(0, "valid"));
	sc_buf_char(&jws, '\n');
	write_file("e/row.jws", jws.data, jws.len);
	CHECK(judged(0, "valid"));
	jws.data[3] ^= 1;
	write_file("e/row.jws", jws.data, jws.len);
	CHECK(judged(1, "row.jws: It is not the signature that the row holds."));
	sc_buf_free(&jws);
}

/* a key that the ledger has by its digest */
static void
test_key_file(void)
{
	uint8_t		spki[44];

	begin_chain();
	key_kim = put_key("members.key", "kim", "k9", &kim, NULL, "2026-03-01 09:00:01+00", true);
	row = put_signed("kim", &kim, HEADER, ROW_TIME, false, NULL);
	standard_files();
	CHECK(judged(3, "no file key.spki"));
	spki_of(spki, &lee);
	write_file("e/key.spki", (const char *) spki, sizeof(spki));
	CHECK(judged(1, "key.spki: It is not what the ledger recorded."));
	spki_of(spki, &kim);
	write_file("e/key.spki", (const char *) spki, sizeof(spki));
	CHECK(judged(0, "valid"));
	write_file("e/key.spki", "", 0);
	CHECK(judged(1, "key.spki: It is not what the ledger recorded."));
}

int
main(int argc, char **argv)
{
	if (!evidence_begin(argc, argv))
		return 1;
	test_valid();
	test_ends();
	test_suspended();
	test_compromised();
	test_outside();
	test_delegation();
	test_rotation();
	test_registrations();
	test_rules();
	test_signatures();
	test_key_file();
	return chain_end("evidence");
}
