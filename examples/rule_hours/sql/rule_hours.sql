CREATE EXTENSION IF NOT EXISTS seoulchain;
SET seoulchain.default_chain = 'hours';
SELECT rule, version, library, meaning FROM seoulchain.rules WHERE rule = 'hours';
CREATE TABLE shift (worker text, week text, hours numeric) USING ledger;
SELECT seoulchain.propose_contract('{"contract": "hours", "ordinance": {"name": "Part-time Ordinance", "number": 7, "from": "2026-01-01"},
	"tables": [{"table": "public.shift", "rules": [{"name": "hours", "parameters": {"key": ["worker", "week"], "hours": "hours", "most": "many"}}]}]}', 'hours');
SELECT seoulchain.propose_contract('{"contract": "hours", "ordinance": {"name": "Part-time Ordinance", "number": 7, "from": "2026-01-01"},
	"tables": [{"table": "public.shift", "rules": [{"name": "hours", "parameters": {"key": ["worker", "week"], "hours": "hours", "most": "15"}}]}]}', 'hours');
SELECT seoulchain.activate_contract('hours', chain => 'hours') IS NOT NULL AS active;
INSERT INTO shift VALUES ('kim', '2026-W23', 8), ('kim', '2026-W23', 6.5), ('lee', '2026-W23', 15);
INSERT INTO shift VALUES ('kim', '2026-W23', 1);
INSERT INTO shift VALUES ('kim', '2026-W23', -1);
INSERT INTO shift VALUES ('kim', '2026-W23', 0.5), ('kim', '2026-W24', 1);
SELECT key, value FROM seoulchain.rule_state JOIN seoulchain.contract_rules USING (rule_id) WHERE contract = 'hours' ORDER BY key;
SELECT fault FROM seoulchain.verify('shift');
