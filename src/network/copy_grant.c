/*
 * copy_grant.c
 *	  What the role that applies other nodes' changes may do to copies.
 *
 * Effects: privileges: USAGE on the schema, INSERT on the table, for the role
 * seoulchain_apply, if it is there.
 */
#include "postgres.h"

#include "network/copy_apply.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "network/subscription.h"
#include "nodes/makefuncs.h"
#include "utils/acl.h"

void
sc_copy_grant(ObjectType kind, const char *schema, const char *table)
{
	GrantStmt  *stmt = makeNode(GrantStmt);
	AccessPriv *privilege = makeNode(AccessPriv);
	RoleSpec   *grantee = makeNode(RoleSpec);

	if (!OidIsValid(get_role_oid(SC_APPLY_ROLE, true)))
		return;
	privilege->priv_name = pstrdup(kind == OBJECT_SCHEMA ? "usage" : "insert");
	grantee->roletype = ROLESPEC_CSTRING;
	grantee->rolename = pstrdup(SC_APPLY_ROLE);
	grantee->location = -1;
	stmt->is_grant = true;
	stmt->targtype = ACL_TARGET_OBJECT;
	stmt->objtype = kind;
	stmt->objects = kind == OBJECT_SCHEMA ? list_make1(makeString(pstrdup(schema))) :
		list_make1(makeRangeVar(pstrdup(schema), pstrdup(table), -1));
	stmt->privileges = list_make1(privilege);
	stmt->grantees = list_make1(grantee);
	stmt->behavior = DROP_RESTRICT;
	ExecuteGrantStmt(stmt);
	CommandCounterIncrement();
}
