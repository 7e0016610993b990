#!/usr/bin/env bash
# Reads the recipes of `orch ci` and action.yml with the schemas of their providers, and with a security linter. The
# tools are installed, at pinned versions, into a folder of their own below target/. Needs python3 with venv.
#   check.sh ORCH     the program that prints the recipes
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
orch=$(realpath "$1")
tools="$here/../../target/recipe-tools"
if ! cmp -s "$here/requirements.txt" "$tools/installed.txt"; then
    rm -rf "$tools"
    python3 -m venv "$tools"
    "$tools/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"
    cp "$here/requirements.txt" "$tools/installed.txt"
fi

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
export HOME="$scratch" XDG_STATE_HOME="$scratch/state" XDG_CONFIG_HOME="$scratch/config"
git init --quiet --initial-branch=main project
cd project
git config user.name test
git config user.email test@example.com
mkdir .orchestrator
# Every kind of agent, for all that a recipe may say.
printf 'schema = 1\n' > .orchestrator/config.toml
for adapter in claude codex gemini opencode copilot aider; do
    printf '\n[[agent]]\nname = "%s"\nadapter = "%s"\nenv = ["ANTHROPIC_API_KEY", "GEMINI_API_KEY"]\n' "$adapter" "$adapter"
done >> .orchestrator/config.toml
git add --all
git commit --quiet --message begin
for provider in github gitlab forgejo woodpecker; do
    "$orch" --quiet ci "$provider" --write
done

schema() { "$tools/bin/check-jsonschema" --builtin-schema "vendor.$1" "${@:2}"; }
schema github-workflows .github/workflows/orch.yml .forgejo/workflows/orch.yml
schema gitlab-ci .gitlab-ci.yml
schema woodpecker-ci .woodpecker/orch.yml
schema github-actions "$here/../../action.yml"
# Forgejo's workflows are read as GitHub's.
mkdir --parents linted/.github/workflows
cp .github/workflows/orch.yml linted/.github/workflows/github.yml
cp .forgejo/workflows/orch.yml linted/.github/workflows/forgejo.yml
cp "$here/../../action.yml" linted/action.yml
"$tools/bin/zizmor" --offline --no-progress linted
