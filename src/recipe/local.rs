//! Recipes for this machine: a line of the user's crontab, or a timer of the user's systemd.

use super::seal::{There, look, seal};
use super::template::{Values, fill};
use super::{Provider, Recipe};
use crate::config::shell::quoted;

/// The steps that are taken at a time.
const RUN: &str = "run --max-steps 5 --for 25m --ci";

/// What a recipe has to know of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Local {
    /// The work tree.
    pub dir: String,
    /// This program.
    pub orch: String,
    /// Variables that say where programs lie, and what orch keeps for its user, such as what is trusted.
    pub variables: Vec<(&'static str, String)>,
    /// The name of the repository, unlike that of any other on this machine.
    pub name: String,
    /// Orch's folder among the user's settings.
    pub settings: String,
    /// Where the log goes.
    pub log: String,
    /// Whether there is a remote to push to.
    pub push: bool,
}

impl Local {
    fn run(&self) -> String {
        if self.push { format!("{RUN} --push") } else { RUN.to_owned() }
    }

    /// What the units are called.
    #[must_use]
    pub fn unit(&self) -> String {
        format!("orch-{}", self.name)
    }
}

/// The line of a crontab: cron mails what is printed, so the log is shown only where a person is needed.
pub(super) fn cron(local: &Local) -> Vec<Recipe> {
    let Local { dir, orch, variables, log, .. } = local;
    let variables: Vec<String> =
        variables.iter().map(|(name, value)| format!("{name}={}", quoted(value))).collect();
    let log = quoted(log);
    let line = format!(
        "cd {} && export {} && set -a && if test -f ~/.config/orch/env; then . ~/.config/orch/env; fi && {{ {} {} >>{log} 2>&1 || tail -n 20 {log}; }}",
        quoted(dir),
        variables.join(" "),
        quoted(orch),
        local.run(),
    );
    // In a crontab, a `%` is the end of a line.
    let line = line.replace('%', r"\%");
    let text =
        fill(include_str!("crontab"), &Values::new([("dir_text", vec![dir.clone()]), ("line", vec![line])]));
    vec![Recipe { path: "crontab".to_owned(), content: seal(Provider::Cron, &text) }]
}

/// A crontab with this recipe in it, in the place of an older one for the same work tree; and what was there.
#[must_use]
pub fn into_crontab(old: &str, local: &Local, recipe: &str) -> (There, String) {
    let lines: Vec<&str> = old.lines().collect();
    let ours = format!("# orch in {}: ", local.dir);
    let Some(at) = lines.iter().position(|line| line.starts_with(&ours)) else {
        let gap = if old.is_empty() || old.ends_with('\n') { "" } else { "\n" };
        return (There::Nothing, format!("{old}{gap}{recipe}"));
    };
    let (from, to) = (at.saturating_sub(1), (at + 2).min(lines.len()));
    let text = |lines: &[&str]| lines.iter().map(|line| format!("{line}\n")).collect::<String>();
    let there = look(Some(&text(&lines[from..to])), recipe);
    (there, format!("{}{recipe}{}", text(&lines[..from]), text(&lines[to..])))
}

/// A value in a unit file: what systemd would take for something else is spelled out.
fn unit_text(text: &str) -> String {
    text.replace('%', "%%")
}

/// One word of a unit's command or list.
fn unit_word(text: &str) -> String {
    format!("\"{}\"", unit_text(text).replace('\\', r"\\").replace('"', "\\\"").replace('$', "$$"))
}

/// A service and its timer.
pub(super) fn systemd(local: &Local, minutes: u64) -> Vec<Recipe> {
    let variable = |(name, value): &(&str, String)| {
        let text = unit_text(&format!("{name}={value}")).replace('\\', r"\\").replace('"', "\\\"");
        format!("\"{text}\"")
    };
    let variables: Vec<String> = local.variables.iter().map(variable).collect();
    let values = Values::new([
        ("name", vec![local.unit()]),
        ("dir", vec![unit_text(&local.dir)]),
        ("dir_text", vec![unit_text(&local.dir)]),
        ("variables", vec![variables.join(" ")]),
        ("command", vec![format!("{} {}", unit_word(&local.orch), local.run())]),
        ("minutes", vec![minutes.to_string()]),
    ]);
    let beside = local.settings.strip_suffix("/orch").unwrap_or(&local.settings);
    let file = |ending: &str, template: &str| Recipe {
        path: format!("{beside}/systemd/user/{}.{ending}", local.unit()),
        content: seal(Provider::Systemd, &fill(template, &values)),
    };
    vec![file("service", include_str!("orch.service")), file("timer", include_str!("orch.timer"))]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn local(dir: &str) -> Local {
        let text = |text: &str| text.to_owned();
        Local {
            dir: text(dir),
            orch: text("/opt/100% orch/$orch"),
            variables: vec![("PATH", text("/usr/bin:/it's here")), ("XDG_STATE_HOME", text("/state of u"))],
            name: text("repo-0123456789ab"),
            settings: text("/home/u/.config/orch"),
            log: text("/srv/repo/.git/orch/cron.log"),
            push: true,
        }
    }

    #[test]
    fn a_crontab_keeps_what_others_wrote_in_it() {
        let (one, two) = (local("/srv/one"), local("/srv/two"));
        let recipe = |local: &Local| cron(local)[0].content.clone();
        let others = "MAILTO=me\n0 5 * * * backup\n";
        let (there, first) = into_crontab(others, &one, &recipe(&one));
        assert_eq!((there, first.as_str()), (There::Nothing, &*format!("{others}{}", recipe(&one))));
        let (there, both) = into_crontab(&first, &two, &recipe(&two));
        assert_eq!((there, both.as_str()), (There::Nothing, &*format!("{first}{}", recipe(&two))));
        assert_eq!(into_crontab(&both, &one, &recipe(&one)).0, There::Same);
        let moved = Local { orch: "/elsewhere/orch".to_owned(), ..local("/srv/one") };
        let (there, after) = into_crontab(&both, &moved, &recipe(&moved));
        assert_eq!((there, after.as_str()), (There::Ours, &*both.replace(&recipe(&one), &recipe(&moved))));
        let edited = both.replace("17,47", "*/5");
        assert_eq!(into_crontab(&edited, &one, &recipe(&one)).0, There::Theirs);
    }

    #[test]
    fn names_are_words_whatever_is_in_them() {
        let text = cron(&local("/srv/it's 100%"))[0].content.clone();
        let line = text.lines().last().unwrap();
        assert!(
            line.starts_with(
                r"17,47 * * * * cd '/srv/it'\''s 100\%' && export PATH='/usr/bin:/it'\''s here' XDG_STATE_HOME='/state of u' && "
            )
        );
        let files = systemd(&local("/srv/it's 100%"), 60);
        assert!(files[0].content.contains("WorkingDirectory=/srv/it's 100%%\n"));
        assert!(
            files[0]
                .content
                .contains("Environment=\"PATH=/usr/bin:/it's here\" \"XDG_STATE_HOME=/state of u\"\n")
        );
        assert!(files[0].content.contains("ExecStart=\"/opt/100%% orch/$$orch\" run "));
    }
}
