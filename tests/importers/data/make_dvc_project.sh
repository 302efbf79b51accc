#!/bin/sh
# Make the archives dvc-2.tar.gz and dvc-3.tar.gz: see README.md.
set -eu
archive=$1
work=$(mktemp -d)
cd "$work"
export HOME="$work" GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null DVC_NO_ANALYTICS=1
export GIT_AUTHOR_NAME=Grace GIT_AUTHOR_EMAIL=grace@example.org GIT_COMMITTER_NAME=Grace GIT_COMMITTER_EMAIL=grace@example.org

record() {  # record TIME MESSAGE
    GIT_AUTHOR_DATE="$1 +0530" GIT_COMMITTER_DATE="$1 +0530" git commit -q -m "$2"
}

mkdir project && cd project
git init -q -b main .
dvc init -q
dvc config core.analytics false
mkdir -p data/set/in part/out
printf 'a,b\r\n1,2\r\n' > data/raw.csv
printf 'one\r\n' > data/set/1.txt
printf 'two\n' > data/set/in/2.txt
dvc add -q data/raw.csv data/set
cat > params.yaml <<END
train:
  lr: 1e-3
  epochs: 3
  name: small
  layers: [1, 2]
END
cat > train.py <<END
import json, pathlib, struct

data = pathlib.Path("data/raw.csv").read_bytes() + pathlib.Path("params.yaml").read_bytes()
header = json.dumps({"w": {"dtype": "F32", "shape": [64, 16], "data_offsets": [0, 4096]}}).encode()
header += b" " * (-len(header) % 8)
body = b"".join(struct.pack("<f", (number * 37 % 101) / 101 + len(data) / 1000) for number in range(1024))
pathlib.Path("model.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + body)
pathlib.Path("plots").mkdir(exist_ok=True)
pathlib.Path("plots/loss.csv").write_text("step,loss\n0,1.0\n1,0.5\n")
pathlib.Path("metrics.json").write_text(json.dumps({"test": {"accuracy": len(data) / 200, "note": "ok"}}))
pathlib.Path("cached.json").write_text(json.dumps({"train": {"loss": 0.25}}))
END
cat > dvc.yaml <<END
stages:
  train:
    cmd: python train.py
    deps: [train.py, data/raw.csv, data/set]
    params: [train.lr, train.epochs, train.name]
    outs: [model.safetensors, plots]
    metrics:
      - metrics.json:
          cache: false
      - cached.json
END
cat > part/dvc.yaml <<END
stages:
  copy:
    wdir: out
    cmd: printf 'copied' > result.bin
    outs: [result.bin]
END
dvc repro -q -R .
git add -A
record "2024-01-01T10:00:00" "first"
git tag v1
git checkout -q -b data
printf 'three\n' > data/set/in/3.txt
dvc add -q data/set
git add -A
record "2024-01-02T10:00:00" "more data"
git checkout -q main
dvc checkout -q
sed 's/1e-3/0.0005/' params.yaml > params.new && mv params.new params.yaml
dvc repro -q -R .
git add -A
record "2024-01-03T10:00:00" "lower rate"
GIT_MERGE_AUTOEDIT=no GIT_AUTHOR_DATE="2024-01-04T10:00:00 +0530" GIT_COMMITTER_DATE="2024-01-04T10:00:00 +0530" \
    git merge -q --no-ff -m "join" data
dvc checkout -q
dvc repro -q -R .
git add -A
record "2024-01-05T10:00:00" "train on more data"
git tag v2

cd ..
for commit in $(git -C project rev-list --all); do
    git -C project checkout -q "$commit"
    (cd project && dvc checkout -q)
    (cd project && find . -type f -not -path './.git/*' -not -path './.dvc/cache/*' -not -path './.dvc/tmp/*' \
        -not -path './.dvc/config.local' | sort | xargs sha256sum | sed "s/^/$commit /")
done > expected.txt
git -C project checkout -q main
(cd project && dvc checkout -q)
git -C project gc -q
rm -rf project/.dvc/tmp project/.git/hooks project/.git/logs project/.dvc/cache/runs project/__pycache__
find project -name '*.pyc' -delete
tar --sort=name --owner=0 --group=0 --numeric-owner --mtime=@0 -czf "$archive" project expected.txt
