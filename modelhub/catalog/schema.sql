-- Written by `python -m modelhub.catalog.schema`.
CREATE TABLE mh_meta (
  "key" TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY ("key")
) WITHOUT ROWID;
CREATE TABLE mh_oids (
  no INTEGER NOT NULL,
  oid TEXT NOT NULL,
  PRIMARY KEY (no)
);
CREATE UNIQUE INDEX mh_oids_by_oid ON mh_oids (oid);
CREATE TABLE mh_commits (
  no INTEGER NOT NULL,
  tree_no INTEGER NOT NULL,
  generation INTEGER NOT NULL,
  author_name TEXT NOT NULL,
  author_email TEXT NOT NULL,
  time INTEGER NOT NULL,
  offset_minutes INTEGER NOT NULL,
  message TEXT NOT NULL,
  summary TEXT NOT NULL,
  git_commit TEXT,
  git_branch TEXT,
  git_dirty INTEGER,
  metrics TEXT NOT NULL,
  PRIMARY KEY (no)
);
CREATE INDEX mh_commits_by_time ON mh_commits (time);
CREATE TABLE mh_parents (
  commit_no INTEGER NOT NULL,
  position INTEGER NOT NULL,
  parent_no INTEGER NOT NULL,
  PRIMARY KEY (commit_no, position)
) WITHOUT ROWID;
CREATE INDEX mh_parents_by_parent ON mh_parents (parent_no);
CREATE TABLE mh_params (
  commit_no INTEGER NOT NULL,
  name TEXT NOT NULL,
  value TEXT,
  number REAL,
  PRIMARY KEY (commit_no, name)
) WITHOUT ROWID;
CREATE TABLE mh_metrics (
  commit_no INTEGER NOT NULL,
  name TEXT NOT NULL,
  value REAL,
  data_no INTEGER,
  data_path TEXT,
  code_no INTEGER,
  PRIMARY KEY (commit_no, name)
) WITHOUT ROWID;
CREATE INDEX mh_metrics_by_name ON mh_metrics (name, value);
CREATE TABLE mh_refs (
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  commit_no INTEGER NOT NULL,
  is_head INTEGER NOT NULL,
  PRIMARY KEY (kind, name)
) WITHOUT ROWID;
CREATE TABLE mh_forgotten (
  commit_no INTEGER NOT NULL,
  time INTEGER NOT NULL,
  who TEXT NOT NULL,
  PRIMARY KEY (commit_no)
) WITHOUT ROWID;
CREATE TABLE mh_operations (
  no INTEGER NOT NULL,
  sequence INTEGER NOT NULL,
  previous_no INTEGER,
  time INTEGER NOT NULL,
  offset_minutes INTEGER NOT NULL,
  who TEXT NOT NULL,
  email TEXT NOT NULL,
  command TEXT NOT NULL,
  head TEXT NOT NULL,
  undoes_no INTEGER,
  PRIMARY KEY (no)
);
CREATE INDEX mh_operations_by_sequence ON mh_operations (sequence);
CREATE TABLE mh_ref_changes (
  operation_no INTEGER NOT NULL,
  ref TEXT NOT NULL,
  old_no INTEGER,
  new_no INTEGER,
  PRIMARY KEY (operation_no, ref)
) WITHOUT ROWID;
CREATE TABLE mh_directories (
  commit_no INTEGER NOT NULL,
  path TEXT NOT NULL,
  tree_no INTEGER NOT NULL,
  PRIMARY KEY (commit_no, path)
) WITHOUT ROWID;
CREATE INDEX mh_directories_by_tree ON mh_directories (tree_no);
CREATE TABLE mh_entries (
  tree_no INTEGER NOT NULL,
  name TEXT NOT NULL,
  mode TEXT NOT NULL,
  size INTEGER NOT NULL,
  file_no INTEGER NOT NULL,
  manifest_no INTEGER,
  PRIMARY KEY (tree_no, name)
) WITHOUT ROWID;
CREATE INDEX mh_entries_by_file ON mh_entries (file_no);
CREATE INDEX mh_entries_by_manifest ON mh_entries (manifest_no) WHERE manifest_no IS NOT NULL;
CREATE TABLE mh_manifests (
  no INTEGER NOT NULL,
  format TEXT NOT NULL,
  size INTEGER NOT NULL,
  file_no INTEGER NOT NULL,
  tensors INTEGER NOT NULL,
  problem TEXT,
  parameters INTEGER NOT NULL,
  dtypes TEXT NOT NULL,
  PRIMARY KEY (no)
);
CREATE TABLE mh_pieces (
  manifest_no INTEGER NOT NULL,
  piece_no INTEGER NOT NULL,
  PRIMARY KEY (manifest_no, piece_no)
) WITHOUT ROWID;
CREATE TABLE mh_manifest_tensors (
  manifest_no INTEGER NOT NULL,
  position INTEGER NOT NULL,
  name TEXT NOT NULL,
  dtype TEXT NOT NULL,
  shape TEXT NOT NULL,
  elements INTEGER NOT NULL,
  nbytes INTEGER NOT NULL,
  is_view INTEGER NOT NULL,
  tensor_no INTEGER NOT NULL,
  layer_length INTEGER NOT NULL,
  PRIMARY KEY (manifest_no, position)
) WITHOUT ROWID;
CREATE INDEX mh_manifest_tensors_by_name ON mh_manifest_tensors (manifest_no, name);
CREATE INDEX mh_manifest_tensors_by_tensor ON mh_manifest_tensors (tensor_no);
CREATE TABLE mh_tensors (
  no INTEGER NOT NULL,
  oid_no INTEGER NOT NULL,
  dtype TEXT NOT NULL,
  elements INTEGER NOT NULL,
  nbytes INTEGER NOT NULL,
  mean REAL,
  std REAL,
  minimum REAL,
  maximum REAL,
  norm REAL,
  zero_share REAL,
  nans INTEGER,
  infs INTEGER,
  sketch BLOB,
  checksum INTEGER NOT NULL,
  PRIMARY KEY (no)
);
CREATE INDEX mh_tensors_by_dtype ON mh_tensors (dtype, elements);
CREATE UNIQUE INDEX mh_tensors_by_oid ON mh_tensors (oid_no, dtype);
CREATE TABLE mh_storage (
  no INTEGER NOT NULL,
  kind TEXT NOT NULL,
  nbytes INTEGER NOT NULL,
  stored_nbytes INTEGER NOT NULL,
  base_no INTEGER,
  depth INTEGER NOT NULL,
  codecs TEXT NOT NULL,
  PRIMARY KEY (no)
);
CREATE INDEX mh_storage_by_base ON mh_storage (base_no);
CREATE TABLE mh_differences (
  before_no INTEGER NOT NULL,
  after_no INTEGER NOT NULL,
  relative REAL,
  cosine REAL,
  largest REAL,
  changed REAL,
  new_nans INTEGER NOT NULL,
  new_infs INTEGER NOT NULL,
  PRIMARY KEY (before_no, after_no)
) WITHOUT ROWID;
CREATE TABLE mh_lint (
  commit_no INTEGER NOT NULL,
  path TEXT NOT NULL,
  tensor TEXT NOT NULL,
  code TEXT NOT NULL,
  severity TEXT NOT NULL,
  message TEXT NOT NULL,
  PRIMARY KEY (commit_no, path, tensor, code)
) WITHOUT ROWID;
CREATE TABLE mh_derivations (
  commit_no INTEGER NOT NULL,
  path TEXT NOT NULL,
  relation TEXT NOT NULL,
  source_commit_no INTEGER NOT NULL,
  source_path TEXT NOT NULL,
  source_name TEXT NOT NULL,
  is_declared INTEGER NOT NULL,
  PRIMARY KEY (commit_no, path, relation, source_commit_no, source_path, source_name)
) WITHOUT ROWID;
CREATE TABLE mh_models (
  commit_no INTEGER NOT NULL,
  path TEXT NOT NULL,
  file_no INTEGER NOT NULL,
  manifest_no INTEGER NOT NULL,
  origin_no INTEGER NOT NULL,
  PRIMARY KEY (commit_no, path)
) WITHOUT ROWID;
CREATE INDEX mh_models_by_file ON mh_models (file_no);
CREATE TABLE mh_runs (
  no INTEGER NOT NULL,
  run_id TEXT NOT NULL,
  object_no INTEGER,
  is_pending INTEGER NOT NULL,
  is_replaced INTEGER NOT NULL,
  name TEXT NOT NULL,
  status TEXT NOT NULL,
  author_name TEXT NOT NULL,
  author_email TEXT NOT NULL,
  started INTEGER NOT NULL,
  ended INTEGER,
  command TEXT NOT NULL,
  exit_code INTEGER,
  points INTEGER NOT NULL,
  git_commit TEXT,
  git_dirty INTEGER,
  diff_no INTEGER,
  head_no INTEGER,
  tree_no INTEGER,
  replays TEXT,
  origin TEXT NOT NULL,
  points_no INTEGER,
  stdout_no INTEGER,
  stderr_no INTEGER,
  PRIMARY KEY (no)
);
CREATE INDEX mh_runs_by_id ON mh_runs (run_id);
CREATE INDEX mh_runs_by_object ON mh_runs (object_no);
CREATE TABLE mh_commit_runs (
  commit_no INTEGER NOT NULL,
  run_no INTEGER NOT NULL,
  PRIMARY KEY (commit_no, run_no)
) WITHOUT ROWID;
CREATE INDEX mh_commit_runs_by_run ON mh_commit_runs (run_no, commit_no);
CREATE TABLE mh_run_params (
  run_no INTEGER NOT NULL,
  name TEXT NOT NULL,
  value TEXT,
  number REAL,
  PRIMARY KEY (run_no, name)
) WITHOUT ROWID;
CREATE INDEX mh_run_params_by_name ON mh_run_params (name);
CREATE TABLE mh_run_tags (
  run_no INTEGER NOT NULL,
  name TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (run_no, name)
) WITHOUT ROWID;
CREATE TABLE mh_series (
  no INTEGER NOT NULL,
  run_no INTEGER NOT NULL,
  name TEXT NOT NULL,
  points INTEGER NOT NULL,
  step_column INTEGER NOT NULL,
  time_column INTEGER NOT NULL,
  value_column INTEGER NOT NULL,
  first_step INTEGER NOT NULL,
  last_step INTEGER NOT NULL,
  last REAL,
  minimum REAL,
  minimum_step INTEGER,
  maximum REAL,
  maximum_step INTEGER,
  best REAL,
  best_step INTEGER,
  goal TEXT NOT NULL,
  nans INTEGER NOT NULL,
  data_no INTEGER,
  data_path TEXT,
  code_no INTEGER,
  PRIMARY KEY (no)
);
CREATE INDEX mh_series_by_name ON mh_series (name, best);
CREATE UNIQUE INDEX mh_series_by_run ON mh_series (run_no, name);
CREATE TABLE mh_numbers (
  i INTEGER NOT NULL,
  PRIMARY KEY (i)
);
CREATE TABLE mh_usages (
  run_no INTEGER NOT NULL,
  position INTEGER NOT NULL,
  is_output INTEGER NOT NULL,
  path TEXT NOT NULL,
  file_no INTEGER NOT NULL,
  nbytes INTEGER NOT NULL,
  is_kept INTEGER NOT NULL,
  source_commit_no INTEGER,
  source_path TEXT,
  step INTEGER,
  PRIMARY KEY (run_no, position)
) WITHOUT ROWID;
CREATE INDEX mh_usages_by_file ON mh_usages (file_no);
CREATE TABLE mh_environments (
  is_run INTEGER NOT NULL,
  owner_no INTEGER NOT NULL,
  python TEXT,
  system TEXT,
  host TEXT,
  gpu TEXT,
  packages_no INTEGER,
  PRIMARY KEY (is_run, owner_no)
) WITHOUT ROWID;
CREATE TABLE mh_packages (
  packages_no INTEGER NOT NULL,
  name TEXT NOT NULL,
  version TEXT NOT NULL,
  PRIMARY KEY (packages_no, name)
) WITHOUT ROWID;
CREATE TABLE mh_lineage (
  no INTEGER NOT NULL,
  commit_no INTEGER,
  run_no INTEGER,
  path TEXT NOT NULL,
  file_no INTEGER NOT NULL,
  relation TEXT NOT NULL,
  named_commit_no INTEGER,
  parent_commit_no INTEGER,
  parent_path TEXT,
  parent_file_no INTEGER,
  parent_name TEXT,
  evidence TEXT NOT NULL,
  PRIMARY KEY (no)
);
CREATE INDEX mh_lineage_by_commit ON mh_lineage (commit_no);
CREATE INDEX mh_lineage_by_file ON mh_lineage (file_no);
CREATE INDEX mh_lineage_by_name ON mh_lineage (parent_name);
CREATE INDEX mh_lineage_by_parent ON mh_lineage (parent_file_no);
CREATE INDEX mh_lineage_by_parent_commit ON mh_lineage (parent_commit_no);
CREATE INDEX mh_lineage_by_run ON mh_lineage (run_no);
INSERT INTO mh_numbers (i)
WITH RECURSIVE count(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM count WHERE i < 4095)
SELECT i FROM count;
CREATE VIEW commits AS
select o.oid as id, t.oid as tree, c.author_name as author, c.author_email as email,
  strftime('%Y-%m-%dT%H:%M:%fZ', c.time / 1000.0, 'unixepoch') as time,
  c.message, c.summary, c.generation, c.git_commit, c.git_branch, c.git_dirty,
  strftime('%Y-%m-%dT%H:%M:%fZ', f.time / 1000.0, 'unixepoch') as forgotten_at, f.who as forgotten_by
from mh_commits c
join mh_oids o on o.no = c.no
join mh_oids t on t.no = c.tree_no
left join mh_forgotten f on f.commit_no = c.no;
CREATE VIEW refs AS
select r.name, r.kind, o.oid as commit_id, r.is_head
from mh_refs r
join mh_oids o on o.no = r.commit_no;
CREATE VIEW params AS
select o.oid as commit_id, p.name, p.value, p.number
from mh_params p
join mh_oids o on o.no = p.commit_no;
CREATE VIEW metrics AS
select o.oid as commit_id, m.name, m.value, d.oid as data_id, m.data_path, k.oid as code_id
from mh_metrics m
join mh_oids o on o.no = m.commit_no
left join mh_oids d on d.no = m.data_no
left join mh_oids k on k.no = m.code_no;
CREATE VIEW files AS
select o.oid as commit_id,
  case d.path when '' then e.name else d.path || '/' || e.name end as path,
  e.mode, e.size, f.oid as file_id, m.format, m.tensors, m.problem
from mh_directories d
join mh_oids o on o.no = d.commit_no
join mh_entries e on e.tree_no = d.tree_no
join mh_oids f on f.no = e.file_no
left join mh_manifests m on m.no = e.manifest_no;
CREATE VIEW models AS
select o.oid as commit_id, m.path, f.oid as file_id, s.oid as since_commit_id,
  n.format, n.size as nbytes, n.tensors, n.parameters, n.dtypes, c.metrics
from mh_models m
join mh_commits c on c.no = m.commit_no
join mh_oids o on o.no = m.commit_no
join mh_oids f on f.no = m.file_no
join mh_oids s on s.no = m.origin_no
join mh_manifests n on n.no = m.manifest_no;
CREATE VIEW layers AS
select o.oid as commit_id, m.path, substr(t.name, 1, t.layer_length) as layer,
  count(*) as tensors, sum(t.elements) as parameters, sum(t.nbytes) as nbytes,
  sqrt(sum(w.norm * w.norm)) as norm, sum(w.nans) as nans
from mh_models m
join mh_oids o on o.no = m.commit_no
join mh_manifest_tensors t on t.manifest_no = m.manifest_no and not t.is_view
join mh_tensors w on w.no = t.tensor_no
group by o.oid, m.path, substr(t.name, 1, t.layer_length);
CREATE VIEW tensors AS
select c.oid as commit_id,
  case d.path when '' then e.name else d.path || '/' || e.name end as path,
  t.name, t.dtype, t.shape, t.elements, t.nbytes,
  o.oid as tensor_id, t.is_view, s.mean, s.std, s.minimum as min, s.maximum as max, s.norm, s.zero_share,
  s.nans, s.infs, k.stored_nbytes, b.oid as base_id, k.depth, k.codecs
from mh_directories d
join mh_oids c on c.no = d.commit_no
join mh_entries e on e.tree_no = d.tree_no
join mh_manifest_tensors t on t.manifest_no = e.manifest_no
join mh_tensors w on w.no = t.tensor_no
join mh_oids o on o.no = w.oid_no
left join mh_tensors s on s.no = t.tensor_no and s.dtype = t.dtype and s.elements = t.elements
left join mh_storage k on k.no = w.oid_no
left join mh_oids b on b.no = k.base_no;
CREATE VIEW tensor_changes AS
select c.oid as commit_id, q.oid as parent_id,
  case d.path when '' then e.name else d.path || '/' || e.name end as path,
  t.name, t.dtype, t.elements,
  x.relative, x.cosine, x.largest, x.changed, x.new_nans, x.new_infs
from mh_parents p
join mh_oids c on c.no = p.commit_no
join mh_oids q on q.no = p.parent_no
join mh_directories d on d.commit_no = p.commit_no
join mh_directories g on g.commit_no = p.parent_no and g.path = d.path and g.tree_no <> d.tree_no
join mh_entries e on e.tree_no = d.tree_no
join mh_entries f on f.tree_no = g.tree_no and f.name = e.name and f.manifest_no <> e.manifest_no
join mh_manifest_tensors t on t.manifest_no = e.manifest_no
cross join mh_manifest_tensors u indexed by mh_manifest_tensors_by_name
  on u.manifest_no = f.manifest_no and u.name = t.name and u.tensor_no <> t.tensor_no
left join mh_differences x on x.before_no = u.tensor_no and x.after_no = t.tensor_no
where p.position = 0;
CREATE VIEW parents AS
select c.oid as commit_id, p.position, q.oid as parent_id
from mh_parents p
join mh_oids c on c.no = p.commit_no
join mh_oids q on q.no = p.parent_no;
CREATE VIEW ancestry AS
select o.oid as commit_id, a.oid as ancestor_id, j.value as distance
from mh_commits c
join mh_oids o on o.no = c.no
join json_each((select '{' || group_concat('"' || no || '":' || distance) || '}' from (
    select no, min(distance) as distance from (
      with recursive mh_walk(no, distance) as (
        select c.no, 0
        union
        select p.parent_no, w.distance + 1 from mh_walk w join mh_parents p on p.commit_no = w.no
      )
      select no, distance from mh_walk
    ) group by no
  ))) j
join mh_oids a on a.no = cast(j.key as integer);
CREATE VIEW descendants AS
select o.oid as commit_id, a.oid as descendant_id, j.value as distance
from mh_commits c
join mh_oids o on o.no = c.no
join json_each((select '{' || group_concat('"' || no || '":' || distance) || '}' from (
    select no, min(distance) as distance from (
      with recursive mh_walk(no, distance) as (
        select c.no, 0
        union
        select p.commit_no, w.distance + 1 from mh_walk w join mh_parents p on p.parent_no = w.no
      )
      select no, distance from mh_walk
    ) group by no
  ))) j
join mh_oids a on a.no = cast(j.key as integer);
CREATE VIEW runs AS
select r.run_id, r.name, r.status, r.author_name as author, r.author_email as email,
  strftime('%Y-%m-%dT%H:%M:%fZ', r.started / 1000.0, 'unixepoch') as started,
  strftime('%Y-%m-%dT%H:%M:%fZ', r.ended / 1000.0, 'unixepoch') as ended,
  (r.ended - r.started) / 1000.0 as duration_s,
  r.command, r.exit_code, r.points, r.git_commit, r.git_dirty, d.oid as diff_id, h.oid as head_id, t.oid as tree_id,
  (select o.oid from mh_commit_runs k join mh_commits c on c.no = k.commit_no join mh_oids o on o.no = c.no
    where k.run_no = r.no order by c.generation, c.time, o.oid limit 1) as commit_id,
  e.host, e.python, r.replays, r.origin, b.oid as object_id, p.oid as stdout_id, q.oid as stderr_id
from mh_runs r
left join mh_oids d on d.no = r.diff_no
left join mh_oids h on h.no = r.head_no
left join mh_oids t on t.no = r.tree_no
left join mh_environments e on e.is_run = 1 and e.owner_no = r.no
left join mh_oids b on b.no = r.object_no
left join mh_oids p on p.no = r.stdout_no
left join mh_oids q on q.no = r.stderr_no
where not r.is_replaced;
CREATE VIEW commit_runs AS
select o.oid as commit_id, r.run_id
from mh_commit_runs k
join mh_oids o on o.no = k.commit_no
join mh_runs r on r.no = k.run_no
where not r.is_replaced;
CREATE VIEW run_params AS
select r.run_id, p.name, p.value, p.number
from mh_run_params p
join mh_runs r on r.no = p.run_no
where not r.is_replaced;
CREATE VIEW run_metrics AS
select r.run_id, s.name, s.points, s.first_step, s.last_step, s.last,
  s.minimum as min, s.minimum_step as min_step, s.maximum as max, s.maximum_step as max_step,
  s.best, s.best_step, s.goal, s.nans, d.oid as data_id, s.data_path, k.oid as code_id
from mh_series s
join mh_runs r on r.no = s.run_no
left join mh_oids d on d.no = s.data_no
left join mh_oids k on k.no = s.code_no
where not r.is_replaced;
CREATE VIEW metric_history AS
select r.run_id, s.name, mh_step(s.no, (h.i * 4096 + m.i) * 4096 + l.i) as step,
  strftime('%Y-%m-%dT%H:%M:%fZ', mh_time(s.no, (h.i * 4096 + m.i) * 4096 + l.i) / 1000.0, 'unixepoch') as time,
  mh_value(s.no, (h.i * 4096 + m.i) * 4096 + l.i) as value
from mh_series s
join mh_runs r on r.no = s.run_no
cross join mh_numbers h on h.i < (s.points + 16777215) / 16777216
cross join mh_numbers m on m.i < (s.points - h.i * 16777216 + 4095) / 4096
cross join mh_numbers l on l.i < s.points - (h.i * 4096 + m.i) * 4096
where not r.is_replaced;
CREATE VIEW run_tags AS
select r.run_id, t.name, t.value
from mh_run_tags t
join mh_runs r on r.no = t.run_no
where not r.is_replaced;
CREATE VIEW inputs AS
select r.run_id, u.path, f.oid as file_id, u.nbytes, u.is_kept, c.oid as source_commit_id, u.source_path, u.step
from mh_usages u
join mh_runs r on r.no = u.run_no
join mh_oids f on f.no = u.file_no
left join mh_oids c on c.no = u.source_commit_no
where u.is_output = 0 and not r.is_replaced;
CREATE VIEW outputs AS
select r.run_id, u.path, f.oid as file_id, u.nbytes, u.is_kept, c.oid as source_commit_id, u.source_path, u.step
from mh_usages u
join mh_runs r on r.no = u.run_no
join mh_oids f on f.no = u.file_no
left join mh_oids c on c.no = u.source_commit_no
where u.is_output = 1 and not r.is_replaced;
CREATE VIEW environments AS
select c.oid as commit_id, r.run_id, e.python, e.system, e.host, e.gpu, p.oid as packages_id
from mh_environments e
left join mh_oids c on c.no = e.owner_no and e.is_run = 0
left join mh_runs r on r.no = e.owner_no and e.is_run = 1
left join mh_oids p on p.no = e.packages_no
where e.is_run = 0 or not r.is_replaced;
CREATE VIEW packages AS
select o.oid as packages_id, p.name, p.version
from mh_packages p
join mh_oids o on o.no = p.packages_no;
CREATE VIEW lineage AS
select c.oid as commit_id, e.path, f.oid as file_id, e.relation,
  p.oid as parent_commit_id, e.parent_path, g.oid as parent_file_id, e.parent_name, r.run_id, e.evidence
from mh_lineage e
join mh_oids f on f.no = e.file_no
left join mh_oids c on c.no = e.commit_no
left join mh_oids p on p.no = e.parent_commit_no
left join mh_oids g on g.no = e.parent_file_no
left join mh_runs r on r.no = e.run_no
where e.run_no is null or not r.is_replaced;
CREATE VIEW lineage_paths AS
select o.oid as commit_id, m.path, a.oid as ancestor_commit_id, e.parent_path as ancestor_path,
  g.oid as ancestor_file_id, e.parent_name as ancestor_name, mh_distance(m.file_no, e.no) as distance
from mh_models m
join mh_oids o on o.no = m.commit_no
join mh_lineage e
left join mh_oids a on a.no = e.parent_commit_no
left join mh_oids g on g.no = e.parent_file_no
where mh_distance(m.file_no, e.no) is not null;
CREATE VIEW derivations AS
select o.oid as commit_id, d.path, d.relation, nullif(s.oid, '') as source_commit_id, d.source_path,
  d.source_name, d.is_declared
from mh_derivations d
join mh_oids o on o.no = d.commit_no
join mh_oids s on s.no = d.source_commit_no;
CREATE VIEW lint AS
select o.oid as commit_id, l.path, l.tensor, l.code, l.severity, l.message
from mh_lint l
join mh_oids o on o.no = l.commit_no;
CREATE VIEW storage AS
select o.oid as object_id, k.kind, k.nbytes, k.stored_nbytes, b.oid as base_id, k.depth, k.codecs
from mh_storage k
join mh_oids o on o.no = k.no
left join mh_oids b on b.no = k.base_no;
CREATE VIEW operations AS
select o.oid as id, n.sequence,
  strftime('%Y-%m-%dT%H:%M:%fZ', n.time / 1000.0, 'unixepoch') as time,
  n.who, n.email, n.command, n.head,
  p.oid as previous_id, u.oid as undoes_id
from mh_operations n
join mh_oids o on o.no = n.no
left join mh_oids p on p.no = n.previous_no
left join mh_oids u on u.no = n.undoes_no;
CREATE VIEW ref_history AS
select o.oid as operation_id, n.sequence,
  strftime('%Y-%m-%dT%H:%M:%fZ', n.time / 1000.0, 'unixepoch') as time,
  n.who, n.command, r.ref,
  b.oid as old_commit_id, a.oid as new_commit_id
from mh_ref_changes r
join mh_operations n on n.no = r.operation_no
join mh_oids o on o.no = r.operation_no
left join mh_oids b on b.no = r.old_no
left join mh_oids a on a.no = r.new_no;
