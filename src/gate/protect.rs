//! Paths that no agent may change: the state, what runs in CI and in hooks, and what the policy adds.

use crate::effects::Change;
use bstr::ByteSlice;
use globset::{Glob, GlobSet, GlobSetBuilder};

/// What is protected in every repository, beside `.orchestrator/`.
pub const ALWAYS: [&str; 51] = [
    ".github/workflows/**",
    ".github/actions/**",
    ".gitlab-ci.yml",
    ".gitlab/ci/**",
    ".forgejo/**",
    ".gitea/**",
    ".woodpecker.yml",
    ".woodpecker.yaml",
    ".woodpecker/**",
    ".circleci/**",
    ".travis.yml",
    ".drone.yml",
    ".drone.yaml",
    "azure-pipelines.yml",
    "azure-pipelines.yaml",
    "bitbucket-pipelines.yml",
    ".buildkite/**",
    "appveyor.yml",
    ".appveyor.yml",
    ".cirrus.yml",
    "buildspec.{yml,yaml}",
    "cloudbuild.{yml,yaml}",
    ".semaphore/**",
    ".build.yml",
    ".builds/**",
    ".teamcity/**",
    ".tekton/**",
    "Jenkinsfile",
    "ci/Jenkinsfile",
    ".ci/**",
    ".husky/**",
    ".githooks/**",
    ".pre-commit-config.yaml",
    "lefthook.yml",
    ".lefthook.yml",
    "lefthook.{yaml,toml,json}",
    ".lefthook.{yaml,toml,json}",
    "lefthook-local.{yml,yaml,toml,json}",
    ".lefthook-local.{yml,yaml,toml,json}",
    ".overcommit.yml",
    ".lintstagedrc",
    ".lintstagedrc.*",
    "lint-staged.config.*",
    ".simple-git-hooks.{json,js,cjs,mjs}",
    "simple-git-hooks.{json,js,cjs,mjs}",
    ".huskyrc",
    ".huskyrc.*",
    ".commitlintrc",
    ".commitlintrc.*",
    "commitlint.config.*",
    ".gitmodules",
];

/// The paths that no agent may change.
#[derive(Debug, Clone)]
pub struct Protected {
    set: GlobSet,
    globs: Vec<String>,
}

impl Protected {
    /// The built-in paths and those of the policy. Globs that do not compile are refused when the
    /// configuration is read; here they are left out.
    #[must_use]
    pub fn new(policy: &[String]) -> Self {
        let mut builder = GlobSetBuilder::new();
        let mut globs = vec![format!("{}/**", crate::state::layout::ROOT)];
        globs.extend(policy.iter().cloned());
        for glob in ALWAYS.iter().copied().chain(policy.iter().map(String::as_str)) {
            if let Ok(glob) = Glob::new(glob) {
                builder.add(glob);
            }
        }
        Self { set: builder.build().unwrap_or_else(|_| GlobSet::empty()), globs }
    }

    /// The globs, as a prompt tells them beside the configuration of CI and hooks.
    #[must_use]
    pub fn globs(&self) -> &[String] {
        &self.globs
    }

    /// The paths that globs name without a wildcard, there or not, and whether each is a folder.
    pub fn places(&self) -> impl Iterator<Item = (&str, bool)> {
        let all = ALWAYS.iter().copied().chain(self.globs.iter().map(String::as_str));
        all.filter_map(|glob| {
            let (path, is_dir) = match glob.strip_suffix("/**") {
                Some(dir) => (dir, true),
                None => (glob, false),
            };
            let plain = !path.is_empty() && !path.contains(['*', '?', '[', ']', '{', '}', '\\']);
            let below =
                !path.starts_with('/') && path.split('/').all(|part| !matches!(part, "" | "." | ".."));
            (plain && below).then_some((path, is_dir))
        })
    }

    /// Whether a path belongs to the state. Compared without case: on some disks `.Orchestrator`
    /// is the same folder.
    #[must_use]
    pub fn is_state(path: &[u8]) -> bool {
        let root = crate::state::layout::ROOT.as_bytes();
        let first = path.split(|byte| *byte == b'/').next().unwrap_or_default();
        first.eq_ignore_ascii_case(root)
    }

    /// Whether no agent may change a path.
    #[must_use]
    pub fn covers(&self, path: &[u8]) -> bool {
        Self::is_state(path) || self.set.is_match(path.to_str_lossy().as_ref())
    }

    /// The changes that an agent may not make.
    #[must_use]
    pub fn violations<'c>(&self, changes: &'c [Change]) -> Vec<&'c Change> {
        changes.iter().filter(|change| self.covers(&change.path)).collect()
    }
}

/// Whether one of the paths matches one of the globs.
#[must_use]
pub fn any_covered(globs: &[String], paths: &[Vec<u8>]) -> bool {
    let mut builder = GlobSetBuilder::new();
    for glob in globs.iter().filter_map(|glob| Glob::new(glob).ok()) {
        builder.add(glob);
    }
    let set = builder.build().unwrap_or_else(|_| GlobSet::empty());
    paths.iter().any(|path| set.is_match(path.to_str_lossy().as_ref()))
}

#[cfg(test)]
mod tests {
    use super::Protected;

    #[test]
    fn state_ci_and_policy_are_covered_and_nothing_else() {
        let protected = Protected::new(&["deploy/**".to_owned()]);
        for path in [
            ".orchestrator/config.toml",
            ".Orchestrator/tasks/a.toml",
            ".orchestrator",
            ".github/workflows/ci.yml",
            ".husky/pre-commit",
            "bitbucket-pipelines.yml",
            ".buildkite/pipeline.yml",
            "buildspec.yaml",
            "ci/Jenkinsfile",
            "lefthook.toml",
            ".lefthook-local.yml",
            ".lintstagedrc.json",
            "commitlint.config.mjs",
            "deploy/a/b.yaml",
        ] {
            assert!(protected.covers(path.as_bytes()), "{path}");
        }
        for path in [
            "src/main.rs",
            ".github/README.md",
            "ci/build.sh",
            "orchestrator/x",
            "a/.orchestrator/x",
            "deployment",
        ] {
            assert!(!protected.covers(path.as_bytes()), "{path}");
        }
    }
}
