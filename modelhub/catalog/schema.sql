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
  PRIMARY KEY (commit_no, name)
) WITHOUT ROWID;
CREATE TABLE mh_refs (
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  commit_no INTEGER NOT NULL,
  is_head INTEGER NOT NULL,
  PRIMARY KEY (kind, name)
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
CREATE INDEX mh_entries_by_manifest ON mh_entries (manifest_no);
CREATE TABLE mh_manifests (
  no INTEGER NOT NULL,
  format TEXT NOT NULL,
  size INTEGER NOT NULL,
  file_no INTEGER NOT NULL,
  tensors INTEGER NOT NULL,
  problem TEXT,
  PRIMARY KEY (no)
);
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
  PRIMARY KEY (no)
);
CREATE INDEX mh_tensors_by_dtype ON mh_tensors (dtype, elements);
CREATE UNIQUE INDEX mh_tensors_by_oid ON mh_tensors (oid_no, dtype);
CREATE TABLE mh_storage (
  no INTEGER NOT NULL,
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
  is_declared INTEGER NOT NULL,
  PRIMARY KEY (commit_no, path, relation, source_commit_no, source_path)
) WITHOUT ROWID;
CREATE VIEW commits AS
select o.oid as id, t.oid as tree, c.author_name as author, c.author_email as email,
  strftime('%Y-%m-%dT%H:%M:%fZ', c.time / 1000.0, 'unixepoch') as time,
  c.message, c.summary, c.generation, c.git_commit, c.git_branch, c.git_dirty
from mh_commits c
join mh_oids o on o.no = c.no
join mh_oids t on t.no = c.tree_no;
CREATE VIEW refs AS
select r.name, r.kind, o.oid as commit_id, r.is_head
from mh_refs r
join mh_oids o on o.no = r.commit_no;
CREATE VIEW params AS
select o.oid as commit_id, p.name, p.value, p.number
from mh_params p
join mh_oids o on o.no = p.commit_no;
CREATE VIEW metrics AS
select o.oid as commit_id, m.name, m.value
from mh_metrics m
join mh_oids o on o.no = m.commit_no;
CREATE VIEW files AS
select o.oid as commit_id,
  case d.path when '' then e.name else d.path || '/' || e.name end as path,
  e.mode, e.size, f.oid as file_id, m.format, m.tensors, m.problem
from mh_directories d
join mh_oids o on o.no = d.commit_no
join mh_entries e on e.tree_no = d.tree_no
join mh_oids f on f.no = e.file_no
left join mh_manifests m on m.no = e.manifest_no;
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
CREATE VIEW changes AS
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
CREATE VIEW derivations AS
select o.oid as commit_id, d.path, d.relation, s.oid as source_commit_id, d.source_path, d.is_declared
from mh_derivations d
join mh_oids o on o.no = d.commit_no
join mh_oids s on s.no = d.source_commit_no;
CREATE VIEW lint AS
select o.oid as commit_id, l.path, l.tensor, l.code, l.severity, l.message
from mh_lint l
join mh_oids o on o.no = l.commit_no;
CREATE VIEW operations AS
select o.oid as id, n.sequence,
  strftime('%Y-%m-%dT%H:%M:%fZ', n.time / 1000.0, 'unixepoch') as time,
  n.who, n.email, n.command, n.head,
  p.oid as previous_id, u.oid as undoes_id
from mh_operations n
join mh_oids o on o.no = n.no
left join mh_oids p on p.no = n.previous_no
left join mh_oids u on u.no = n.undoes_no;
CREATE VIEW ref_changes AS
select o.oid as operation_id, n.sequence,
  strftime('%Y-%m-%dT%H:%M:%fZ', n.time / 1000.0, 'unixepoch') as time,
  n.who, n.command, r.ref,
  b.oid as old_commit_id, a.oid as new_commit_id
from mh_ref_changes r
join mh_operations n on n.no = r.operation_no
join mh_oids o on o.no = r.operation_no
left join mh_oids b on b.no = r.old_no
left join mh_oids a on a.no = r.new_no;
