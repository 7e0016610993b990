//! Where the walls around an agent stand: what is hidden, shown, open and closed, and the arguments
//! that build them.
//!
//! In: a level, a profile, and where things lie. Out: [`Walls`], and a command line inside of them.
//! Invariant: of two rules for one place the one for the deeper path counts. Not here: building them,
//! which bubblewrap and the kernel do.

use super::folders;
use super::sandbox::{Chosen, Level, program_name};
use crate::config::Profile;
use crate::effects::Confine;
use crate::effects::confine::BWRAP_BASE;
use std::path::{Path, PathBuf};

/// A path in the workspace that no agent may change, there or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// From the root of the workspace.
    pub path: String,
    /// Whether it is a folder, or would be one.
    pub is_dir: bool,
}

/// Settings of agents in a repository, which make the next session run programs.
pub const SETTINGS: [(&str, bool); 6] = [
    (".claude", true),
    (".codex", true),
    (".gemini", true),
    (".opencode", true),
    (".cursor", true),
    (".mcp.json", false),
];

/// Where an agent works, and what lies around it.
pub struct Ground<'g> {
    /// The machine.
    pub machine: &'g dyn Confine,
    /// The directory that it works in.
    pub workspace: PathBuf,
    /// Where its prompt and its outcome lie.
    pub step: PathBuf,
    /// An empty file, seen where there is to be none.
    pub empty: PathBuf,
    /// Directories of the user's that it has no business in.
    pub hidden: Vec<PathBuf>,
    /// What it reads all the same, wherever it lies.
    pub shown: Vec<PathBuf>,
    /// What it may not change in the workspace.
    pub sealed: Vec<Sealed>,
    /// What it sees in its environment.
    pub env: &'g [(String, String)],
    /// Its program and arguments.
    pub argv: &'g [String],
}

impl Ground<'_> {
    fn env(&self, name: &str) -> Option<&str> {
        self.env.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The directory that a variable names, without links; never the root.
    fn dir(&self, name: &str) -> Option<PathBuf> {
        self.real_dir(Path::new(self.env(name)?))
    }

    fn real_dir(&self, path: &Path) -> Option<PathBuf> {
        let spot = self.machine.spot(path).filter(|spot| spot.is_dir && path.is_absolute())?;
        spot.real.parent().is_some().then_some(spot.real)
    }

    /// What is there at a path: what it stands for, and where its own name lies.
    fn there(&self, path: &Path) -> Option<(PathBuf, PathBuf)> {
        let spot = self.machine.spot(path)?;
        let name = path.file_name()?;
        let parent = self.machine.spot(path.parent()?)?;
        Some((spot.real, parent.real.join(name)))
    }

    /// The agents whose folders are open: the profile's own; of a program that is not known, all that
    /// are there, because it may be a script around any of them.
    fn agents(profile: &Profile) -> Vec<folders::Folders> {
        folders::of(program_name(profile)).map_or_else(folders::all, |own| vec![own])
    }

    /// Folders of the agent's own that may be written.
    fn kept(&self, level: Level, profile: &Profile) -> Vec<PathBuf> {
        let mut all: Vec<PathBuf> = Vec::new();
        for agent in Self::agents(profile) {
            if let Some(home) = self.dir("HOME") {
                all.extend(agent.kept.iter().map(|below| home.join(below)));
            }
            all.extend(agent.moved_by.and_then(|name| self.dir(name)));
        }
        all.extend(self.named(level, profile));
        all
    }

    /// A path without links, as far as it is there.
    fn resolved(&self, path: &Path) -> PathBuf {
        let real = |above: &Path| {
            Some(self.machine.spot(above)?.real.join(path.strip_prefix(above).unwrap_or(Path::new(""))))
        };
        path.ancestors().find_map(real).unwrap_or_else(|| path.to_owned())
    }

    /// Folders that the profile names; never what opens the user's own checkout or repository. One that
    /// they lie in is open behind bubblewrap, which hides them there, though not behind a link to it.
    fn named(&self, level: Level, profile: &Profile) -> Vec<PathBuf> {
        let home = self.dir("HOME");
        let whole = |name: &String| match name.strip_prefix("~/") {
            Some(below) => home.as_ref().map(|home| home.join(below)),
            None => Some(PathBuf::from(name)),
        };
        let mut all: Vec<PathBuf> = profile.writable.iter().filter_map(whole).collect();
        let hidden: Vec<PathBuf> = self.hidden.iter().map(|path| self.resolved(path)).collect();
        all.retain(|path| {
            let real = self.resolved(path);
            let is_link = self.there(path).is_some_and(|(real, at)| real != at);
            let hides = level == Level::Bwrap && !is_link;
            !hidden.iter().any(|each| real.starts_with(each) || (!hides && each.starts_with(&real)))
        });
        all
    }
}

/// The agent's own folder and those that its profile names, which have to be there before the walls are:
/// what is kept there outlives the session.
#[must_use]
pub fn needed_folders(chosen: &Chosen, profile: &Profile, ground: &Ground<'_>) -> Vec<PathBuf> {
    if chosen.level == Level::None {
        return Vec::new();
    }
    let own = folders::of(program_name(profile)).and_then(|own| own.kept.first().copied());
    let own = own.and_then(|own| Some(ground.dir("HOME")?.join(own)));
    own.into_iter().chain(ground.named(chosen.level, profile)).collect()
}

/// What is put at a place, in the order in which it is put there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Put {
    Nothing,
    ReadOnly,
    Writable,
    EmptyFolder,
    EmptyFile,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Mount {
    at: PathBuf,
    put: Put,
    source: PathBuf,
}

/// The walls around one process.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Walls {
    chosen: Chosen,
    /// The workspace, without links.
    pub dir: PathBuf,
    mounts: Vec<Mount>,
    /// Folders that have to be there first, the deepest last.
    pub folders: Vec<PathBuf>,
    /// What building them leaves where nothing was, the deepest last.
    pub placeholders: Vec<PathBuf>,
}

impl Walls {
    /// Plans the walls of a profile.
    #[must_use]
    pub fn plan(chosen: &Chosen, profile: &Profile, ground: &Ground<'_>) -> Self {
        let dir = ground.machine.spot(&ground.workspace).map_or(ground.workspace.clone(), |spot| spot.real);
        let mut walls = Self { chosen: chosen.clone(), dir, ..Self::default() };
        match chosen.level {
            Level::None => {}
            Level::Landlock => walls.plan_landlock(profile, ground),
            Level::Bwrap => walls.plan_bwrap(profile, ground),
        }
        walls
    }

    fn put(&mut self, put: Put, at: PathBuf, source: PathBuf) {
        self.mounts.push(Mount { at, put, source });
    }

    fn plan_landlock(&mut self, profile: &Profile, ground: &Ground<'_>) {
        let mut open = vec![ground.workspace.clone(), ground.step.clone()];
        open.extend(ground.kept(Level::Landlock, profile));
        open.extend(["/tmp", "/var/tmp", "/dev/shm"].map(PathBuf::from));
        open.extend(ground.dir("TMPDIR"));
        for spot in open.iter().filter_map(|path| ground.machine.spot(path)) {
            self.put(Put::Writable, spot.real.clone(), spot.real);
        }
    }

    fn plan_bwrap(&mut self, profile: &Profile, ground: &Ground<'_>) {
        let hidden = self.hide(ground);
        for path in shown(profile, ground) {
            if let Some((real, at)) = ground.there(&path)
                && (hidden.iter().any(|each| at.starts_with(each) || real.starts_with(each)))
            {
                self.put(Put::ReadOnly, at, real.clone());
                // Links elsewhere lead to where it really lies.
                self.put(Put::ReadOnly, real.clone(), real);
            }
        }
        for path in ground.kept(Level::Bwrap, profile) {
            if let Some((real, at)) = ground.there(&path) {
                self.hold(&real, &hidden);
                self.put(Put::Writable, at, real);
            }
        }
        for path in [&ground.workspace, &ground.step] {
            if let Some(spot) = ground.machine.spot(path) {
                self.put(Put::Writable, spot.real.clone(), spot.real);
            }
        }
        self.seal(ground, &Sealed { path: ".git".to_owned(), is_dir: true });
        for sealed in &ground.sealed {
            self.seal(ground, sealed);
        }
        // What lies deeper goes on top; of two at one place the one that opens more.
        self.mounts.sort_by_key(|mount| (mount.at.components().count(), mount.put));
        self.mounts.dedup();
        self.placeholders.sort_by_key(|path| path.components().count());
        self.placeholders.dedup();
    }

    /// Hides homes, temporary folders, sockets of services, and the user's own repository.
    fn hide(&mut self, ground: &Ground<'_>) -> Vec<PathBuf> {
        let mut hidden: Vec<PathBuf> =
            ["/tmp", "/var/tmp", "/run", "/root"].iter().map(PathBuf::from).collect();
        hidden.extend(ground.dir("HOME"));
        hidden.extend(ground.dir("TMPDIR"));
        hidden.extend(ground.hidden.iter().cloned());
        let mut hidden: Vec<PathBuf> = hidden.iter().filter_map(|path| ground.real_dir(path)).collect();
        hidden.retain(|path| !path.starts_with(&self.dir));
        hidden.sort();
        hidden.dedup();
        for path in &hidden {
            self.put(Put::Nothing, path.clone(), PathBuf::new());
        }
        hidden
    }

    /// Keeps the folders between one that may be written and what is hidden in it from being moved away.
    fn hold(&mut self, open: &Path, hidden: &[PathBuf]) {
        let inside = || hidden.iter().filter(|each| each.starts_with(open) && *each != open);
        let between = |each: &'_ PathBuf| {
            let above = each.ancestors().skip(1).take_while(|above| *above != open);
            above.map(Path::to_path_buf).collect::<Vec<_>>()
        };
        let mut all: Vec<PathBuf> = inside().flat_map(between).collect();
        all.retain(|path| !inside().any(|each| path.starts_with(each)));
        for path in all {
            self.put(Put::Writable, path.clone(), path);
        }
    }

    /// Keeps a path of the workspace as it is, there or not, and the folders above it from being moved
    /// away. A symbolic link cannot be kept so; changes behind it are left out of the candidate as ever.
    fn seal(&mut self, ground: &Ground<'_>, sealed: &Sealed) {
        let whole = self.dir.join(&sealed.path);
        let mut above: Vec<PathBuf> = whole.ancestors().map(Path::to_path_buf).collect();
        above.retain(|path| path.starts_with(&self.dir) && *path != self.dir);
        above.reverse();
        for path in above {
            let last = path == whole;
            match ground.machine.spot(&path) {
                Some(spot) if spot.is_link => return,
                Some(_) if last => self.put(Put::ReadOnly, path.clone(), path),
                Some(spot) if !spot.is_dir => return,
                Some(_) => self.put(Put::Writable, path.clone(), path),
                // In place there may be no `.git` of its own to keep from being made.
                None if sealed.path == ".git" => return,
                None => {
                    self.placeholders.push(path.clone());
                    match (last, sealed.is_dir) {
                        (true, true) => self.put(Put::EmptyFolder, path, PathBuf::new()),
                        (true, false) => self.put(Put::EmptyFile, path, ground.empty.clone()),
                        (false, _) => {
                            self.folders.push(path.clone());
                            self.put(Put::Writable, path.clone(), path);
                        }
                    }
                }
            }
        }
    }

    /// A program and its arguments inside of the walls.
    #[must_use]
    pub fn around(&self, network: bool, argv: Vec<String>) -> Vec<String> {
        let text = |path: &Path| path.to_string_lossy().into_owned();
        let mut whole = vec![text(&self.chosen.program)];
        match self.chosen.level {
            Level::None => return argv,
            Level::Landlock => {
                whole.push("__sandbox-exec".to_owned());
                for mount in &self.mounts {
                    whole.extend(["--write".to_owned(), text(&mount.at)]);
                }
                whole.extend((!network).then(|| "--no-network".to_owned()));
                whole.extend((!self.chosen.lenient).then(|| "--no-signals".to_owned()));
            }
            Level::Bwrap => {
                whole.extend(BWRAP_BASE.map(str::to_owned));
                whole.extend((!network).then(|| "--unshare-net".to_owned()));
                for Mount { at, put, source } in &self.mounts {
                    let (at, source) = (text(at), text(source));
                    let words: Vec<&str> = match put {
                        Put::Nothing => vec!["--tmpfs", &at],
                        Put::ReadOnly | Put::EmptyFile => vec!["--ro-bind", &source, &at],
                        Put::Writable => vec!["--bind", &source, &at],
                        Put::EmptyFolder => vec!["--tmpfs", &at, "--remount-ro", &at],
                    };
                    whole.extend(words.into_iter().map(str::to_owned));
                }
                whole.extend(["--chdir".to_owned(), text(&self.dir)]);
            }
        }
        whole.push("--".to_owned());
        whole.extend(argv);
        whole
    }
}

/// What an agent reads in places that are hidden: programs, tools, its own program, and what orch
/// shows it.
fn shown(profile: &Profile, ground: &Ground<'_>) -> Vec<PathBuf> {
    let mut all = ground.shown.clone();
    let search: Vec<PathBuf> = ground.env("PATH").map(std_split).unwrap_or_default();
    for dir in &search {
        all.push(dir.clone());
        // Programs that npm and pip put there are links to the library beside.
        if dir.ends_with("bin") {
            all.push(dir.with_file_name("lib"));
        }
    }
    if let Some(program) = ground.argv.first().filter(|program| !program.contains('/')) {
        let found = search.iter().map(|dir| dir.join(program)).find_map(|file| ground.machine.spot(&file));
        all.extend(found.map(|spot| spot.real));
    }
    all.extend(ground.argv.iter().map(PathBuf::from).filter(|path| path.is_absolute()));
    if let Some(home) = ground.dir("HOME") {
        all.extend(folders::TOOLS.iter().map(|below| home.join(below)));
        let own = Ground::agents(profile).into_iter().flat_map(|agent| agent.read);
        all.extend(own.map(|below| home.join(below)));
    }
    // Names are looked up by a file that is often a link to where a service of the system keeps it.
    all.extend(ground.machine.spot(Path::new("/etc/resolv.conf")).map(|spot| spot.real));
    all
}

/// The folders of a `PATH`; relative ones lie in the workspace, which is seen anyway.
fn std_split(path: &str) -> Vec<PathBuf> {
    path.split(':').map(PathBuf::from).filter(|dir| dir.is_absolute()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Adapter;
    use crate::effects::{Result, Spot};

    /// The user's own checkout, hidden from the agent.
    const CHECKOUT: &str = "/h/me/src/app";
    const DIRS: [&str; 10] = [
        "/h/me/.aider",
        "/h/me/src/app/.git",
        "/h/me/src/app/out",
        "/h/me/src/other",
        "/h/me/cache",
        "/var/h/me/src",
        "/var/cache",
        "/w/ws",
        "/w/step",
        "/tmp",
    ];
    const LINKS: [(&str, &str); 4] = [
        ("/h/me/to-src", "/h/me/src"),
        ("/h/me/to-app", "/h/me/src/app"),
        ("/h/me/to-cache", "/var/cache"),
        ("/homes", "/h"),
    ];

    /// A machine with these directories and links.
    struct Machine;

    impl Confine for Machine {
        fn bwrap(&self) -> std::result::Result<PathBuf, String> {
            Ok("/bin/bwrap".into())
        }

        fn landlock(&self) -> std::result::Result<PathBuf, String> {
            Ok("/bin/orch".into())
        }

        fn spot(&self, path: &Path) -> Option<Spot> {
            let (mut real, mut is_link) = (PathBuf::new(), false);
            for part in path.components() {
                real.push(part);
                let link = LINKS.iter().find(|(at, _)| real == Path::new(at));
                is_link = link.is_some();
                real = link.map_or(real, |(_, to)| to.into());
            }
            let is_there = DIRS.iter().any(|dir| Path::new(dir).starts_with(&real));
            is_there.then_some(Spot { real, is_dir: true, size: None, is_link })
        }

        fn make_dir(&self, _: &Path) -> Result<()> {
            Ok(())
        }

        fn clear(&self, _: &[PathBuf]) -> Result<()> {
            Ok(())
        }
    }

    /// What a profile's `writable` opens, beside what is open anyway, and which folders are made for it.
    fn opened(level: Level, home: &str, writable: &str, hidden: &[&str]) -> (Vec<String>, Vec<PathBuf>) {
        let (env, argv) = ([("HOME".to_owned(), home.to_owned())], ["aider".to_owned()]);
        let ground = Ground {
            machine: &Machine,
            workspace: "/w/ws".into(),
            step: "/w/step".into(),
            empty: "/w/empty".into(),
            hidden: hidden.iter().map(PathBuf::from).collect(),
            shown: Vec::new(),
            sealed: Vec::new(),
            env: &env,
            argv: &argv,
        };
        let mut profile = Profile::new("a", Adapter::Aider);
        profile.writable = vec![writable.to_owned()];
        let chosen = Chosen { level, ..Chosen::default() };
        let walls = Walls::plan(&chosen, &profile, &ground);
        let open = walls.mounts.into_iter().filter(|mount| mount.put == Put::Writable);
        let mut open: Vec<String> = open.map(|mount| mount.at.to_string_lossy().into_owned()).collect();
        open.retain(|at| !["/h/me/.aider", "/w/ws", "/w/step", "/tmp"].contains(&&**at));
        let made = needed_folders(&chosen, &profile, &ground);
        (open, made.into_iter().filter(|path| Machine.spot(path).is_none()).collect())
    }

    #[test]
    fn no_writable_folder_opens_the_users_own_checkout() {
        let none: [&str; 0] = [];
        for (writable, by_landlock, by_bwrap) in [
            ("~/cache", &["/h/me/cache"][..], &["/h/me/cache"][..]),
            ("~/to-cache", &["/var/cache"], &["/h/me/to-cache"]),
            ("~/src/other", &["/h/me/src/other"], &["/h/me/src/other"]),
            // It itself, and what lies inside of it, by whatever name.
            (CHECKOUT, &none, &none),
            ("/homes/me/src/app", &none, &none),
            ("~/to-app", &none, &none),
            ("~/src/app/out", &none, &none),
            ("~/src/app/new/one", &none, &none),
            ("~/to-app/out", &none, &none),
            ("~/to-app/new/one", &none, &none),
            ("~/to-src/app", &none, &none),
            // What it lies in: bubblewrap puts what hides it on top, at its own place alone.
            ("~/src", &none, &["/h/me/src"]),
            ("/homes/me/src", &none, &["/h/me/src"]),
            ("~/to-src", &none, &none),
            // Folders between cannot be moved away with it; what is hidden stays hidden.
            ("~/.", &none, &["/h/me", "/h/me/src"]),
            ("/h", &none, &["/h"]),
        ] {
            for hidden in [CHECKOUT, "/homes/me/src/app", "/h/me/to-app"] {
                let (open, made) = opened(Level::Landlock, "/h/me", writable, &[hidden]);
                assert_eq!(open, by_landlock, "landlock, {writable}, {hidden}");
                assert_eq!(made, [""; 0].map(PathBuf::from), "landlock, {writable}, {hidden}");
                let (open, made) = opened(Level::Bwrap, "/h/me", writable, &[hidden]);
                assert_eq!(open, by_bwrap, "bwrap, {writable}, {hidden}");
                assert_eq!(made, [""; 0].map(PathBuf::from), "bwrap, {writable}, {hidden}");
            }
        }
        for level in [Level::Landlock, Level::Bwrap] {
            let (_, made) = opened(level, "/h/me", "~/cache/new/one", &[CHECKOUT]);
            assert_eq!(made, [PathBuf::from("/h/me/cache/new/one")]);
            // In place there is nothing of the user's to keep from it.
            assert_eq!(opened(level, "/h/me", "~/src", &[]).0, ["/h/me/src"]);
        }
    }
}
