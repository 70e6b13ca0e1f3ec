/*
 * chain.h
 *	  A small chain of a test's own, its files, and seoulchain-verify run on them.
 *
 * A test fills chain_leaves (chain_leaf) and signs with keys of its own; the
 * program is the one that tools/test_unit built beside the vectors' folder.
 */
#ifndef TEST_CHAIN_H
#define TEST_CHAIN_H

#include "harness.h"

#include <sys/wait.h>
#include <unistd.h>

#include "core/prooffile.h"
#include "core/text.h"
#include "sign/key.h"

#define CHAIN_MAX 128
#define ORIGIN "seoul.go.kr/inspector/main"
#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"

static char folder[] = "/tmp/seoulchain_test_XXXXXX";
static char output[200000];
static ScBuf chain_leaves[CHAIN_MAX];
static ScHash chain_hashes[CHAIN_MAX];
static int	chain_size;

static inline void
write_file(const char *name, const char *data, size_t len)
{
	char		path[256];
	FILE	   *f;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "w");
	if (f == NULL || fwrite(data, 1, len, f) != len || fclose(f) != 0)
		abort();
}

/* runs the program with these arguments (for the shell); its exit code */
static inline int
run(const char *arguments)
{
	char		command[4096];
	FILE	   *pipe;
	size_t		n;

	snprintf(command, sizeof(command), "cd %s && '%s/../seoulchain-verify' %s 2>&1\n", folder, test_vectors, arguments);
	write_file("command", command, strlen(command));
	snprintf(command, sizeof(command), "bash %s/command", folder);
	pipe = popen(command, "r");
	if (pipe == NULL)
		abort();
	n = fread(output, 1, sizeof(output) - 1, pipe);
	output[n] = '\0';
	n = (size_t) pclose(pipe);
	return WIFEXITED((int) n) ? WEXITSTATUS((int) n) : -1;
}

static inline bool
says(const char *words)
{
	return strstr(output, words) != NULL;
}

static inline void
write_buf(const char *name, ScBuf *buf)
{
	write_file(name, buf->data, buf->len);
	sc_buf_free(buf);
}

/* adds a leaf to the chain; its index */
static inline uint64_t
chain_leaf(const char *text)
{
	ScBuf	   *leaf = &chain_leaves[chain_size];

	if (chain_size == CHAIN_MAX)
		abort();
	sc_buf_string(leaf, text);
	sc_hash_leaf(&chain_hashes[chain_size], leaf->data, leaf->len);
	return (uint64_t) chain_size++;
}

static inline void
chain_free(void)
{
	for (int i = 0; i < chain_size; i++)
		sc_buf_free(&chain_leaves[i]);
	chain_size = 0;
}

/* a new key and its text */
static inline void
make_key(ScSigningKey *key, const char *name, uint8_t type, char vkey[512])
{
	ScBuf		buf = SC_BUF_INIT;

	CHECK_STATUS(sc_key_generate(key, name, type), SC_OK);
	sc_note_format_key(&buf, &key->public);
	strcpy(vkey, sc_buf_cstr(&buf));
	sc_buf_free(&buf);
}

static inline void
root_of(ScHash *root, uint64_t size)
{
	ScFrontier	frontier = {0};

	for (uint64_t i = 0; i < size; i++)
		sc_frontier_append(&frontier, &chain_hashes[i], NULL, NULL);
	sc_frontier_root(root, &frontier);
}

/* a signed checkpoint of this size; `lie` alters the root; NULL keys do not sign */
static inline void
checkpoint(ScBuf *buf, const char *origin, uint64_t size, bool lie, const ScSigningKey *log, const ScSigningKey *witness)
{
	ScCheckpoint c = {.size = size};
	ScBuf		text = SC_BUF_INIT;

	strcpy(c.origin, origin);
	root_of(&c.root, size);
	if (lie)
		c.root.bytes[0] ^= 1;
	sc_checkpoint_format(&text, &c);
	sc_buf_append(buf, text.data, text.len);
	sc_buf_char(buf, '\n');
	if (log)
		CHECK_STATUS(sc_key_sign_note(buf, log, text.data, text.len, 0), SC_OK);
	if (witness)
		CHECK_STATUS(sc_key_sign_note(buf, witness, text.data, text.len, 1767139200), SC_OK);
	sc_buf_free(&text);
}

/* the hash of a perfect subtree of the test's leaves */
static inline void
node_hash(ScHash *out, ScNodeId id)
{
	ScHash		copy[CHAIN_MAX];

	memcpy(copy, chain_hashes + (id.index << id.level), sizeof(ScHash) << id.level);
	sc_tree_perfect_root(out, copy, id.level);
}

static inline void
receipt(ScBuf *buf, uint64_t index, const ScSigningKey *log, const ScSigningKey *witness)
{
	ScProofPlan plan;
	ScHash		nodes[SC_PLAN_MAX];
	ScHash		path[SC_PROOF_MAX];
	ScBuf		note = SC_BUF_INIT;

	CHECK_STATUS(sc_tree_plan_inclusion(&plan, index, (uint64_t) chain_size), SC_OK);
	for (int i = 0; i < plan.nids; i++)
		node_hash(&nodes[i], plan.ids[i]);
	sc_tree_plan_path(path, &plan, nodes);
	checkpoint(&note, ORIGIN, (uint64_t) chain_size, false, log, witness);
	sc_prooffile_format(buf, chain_leaves[index].data, chain_leaves[index].len, index, path, plan.npath, note.data, note.len);
	sc_buf_free(&note);
}

/* writes the consistency proof between two sizes of the test's tree; `full` as SUBPROOF(m, D, false) */
static inline void
write_proof(const char *name, uint64_t from, uint64_t to, bool full)
{
	ScProofPlan plan;
	ScHash		nodes[SC_PLAN_MAX];
	ScHash		path[SC_PROOF_MAX];
	ScBuf		buf = SC_BUF_INIT;

	CHECK_STATUS(sc_tree_plan_consistency(&plan, from, to), SC_OK);
	for (int i = 0; i < plan.nids; i++)
		node_hash(&nodes[i], plan.ids[i]);
	sc_tree_plan_path(path, &plan, nodes);
	if (full && (from & (from - 1)) == 0)
	{
		ScHash		root;

		root_of(&root, from);
		sc_buf_base64(&buf, root.bytes, SC_HASH_LEN);
		sc_buf_char(&buf, '\n');
	}
	for (int i = 0; i < plan.npath; i++)
	{
		sc_buf_base64(&buf, path[i].bytes, SC_HASH_LEN);
		sc_buf_char(&buf, '\n');
	}
	write_buf(name, &buf);
}

/* run with one key in front */
static inline int
run_key(const char *vkey, const char *arguments)
{
	char		text[2048];

	snprintf(text, sizeof(text), "--key '%s' %s", vkey, arguments);
	return run(text);
}

/* the test's folder, and the program's */
static inline void
chain_begin(int argc, char **argv)
{
	static char full[1024];

	test_begin(argc, argv);
	if (mkdtemp(folder) == NULL || realpath(test_vectors, full) == NULL)
		exit(1);
	test_vectors = full;
}

static inline int
chain_end(const char *name)
{
	char		command[64];

	chain_free();
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command) == 0 ? test_end(name) : 1;
}

#endif							/* TEST_CHAIN_H */
