//! How an agent that is at work gets on, in a line.

use super::spell_usd;
use crate::step::event::Progress;
use std::fmt::Write as _;
use std::time::Duration;

/// Silence that is worth telling.
const SILENCE: Duration = Duration::from_secs(15);

/// What is known of an agent at work; nothing where nothing is.
#[must_use]
pub fn line(progress: &Progress, silent: Duration) -> String {
    let mut text = String::new();
    let tokens = progress.tokens;
    if tokens.total() > 0 {
        let _ = write!(
            text,
            ", in {} cached {} out {}",
            short(tokens.input),
            short(tokens.cached),
            short(tokens.output)
        );
    }
    if let Some(share) = progress.context {
        let _ = write!(text, ", context {:.0} %", share * 100.0);
    }
    if let Some(cost) = progress.cost_usd {
        let _ = write!(text, ", {}", spell_usd(cost));
    }
    if let Some(tool) = &progress.tool {
        let _ = write!(text, ", last {}", crate::state::task::one_line(tool, 40));
    }
    if silent >= SILENCE {
        let _ = write!(text, ", silent {} s", silent.as_secs());
    }
    text
}

/// A count of tokens that fits into a line.
fn short(count: u64) -> String {
    match count {
        0..=9_999 => count.to_string(),
        10_000..=9_999_999 => format!("{}k", count / 1_000),
        _ => format!("{}M", count / 1_000_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::run::Tokens;

    #[test]
    fn a_line_says_what_is_known_and_nothing_else() {
        let seconds = Duration::from_secs;
        assert_eq!(line(&Progress::default(), seconds(3)), "");
        let progress = Progress {
            tokens: Tokens { input: 12_034, cached: 88_123_000, output: 2_311, reasoning: 0 },
            cost_usd: Some(0.126),
            context: Some(0.434),
            tool: Some("Bash: cargo test".to_owned()),
        };
        assert_eq!(
            line(&progress, seconds(20)),
            ", in 12k cached 88M out 2311, context 43 %, $0.13, last Bash: cargo test, silent 20 s"
        );
    }
}
