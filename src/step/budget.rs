//! What a step may spend: the least of what its own budget, its task's, the day's, the month's and its run's leave.
//!
//! In: the budgets, and what was spent before. Out: an [`Allowance`], or which budget is spent. Pure.

use crate::agent::stream::Spent;
use crate::config::Budget;
use crate::state::ledger::{Spending, Sum};
use crate::state::run::{AttemptRecord, spell_usd};

/// Which budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Span {
    /// One step.
    Step,
    /// All steps of a task.
    Task,
    /// A day.
    Day,
    /// A month.
    Month,
    /// All steps of one `orch run`.
    Run,
}

impl Span {
    /// The word in keys of the configuration.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Step => "step",
            Self::Task => "task",
            Self::Day => "day",
            Self::Month => "month",
            Self::Run => "run",
        }
    }

    /// How people say it: a key of the configuration, or what they typed.
    fn key(self, unit: &str) -> String {
        match self {
            Self::Step | Self::Task | Self::Day | Self::Month => format!("budget.{}_{unit}", self.as_str()),
            Self::Run => "--max-cost".to_owned(),
        }
    }
}

/// What may be spent; none means no limit.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Allowance {
    /// In USD.
    pub usd: Option<f64>,
    /// In tokens of all kinds.
    pub tokens: Option<u64>,
    /// Whose limits these are, in USD and in tokens.
    pub spans: (Option<Span>, Option<Span>),
}

/// A budget that is spent.
#[derive(Debug, Clone, PartialEq)]
pub struct Exhausted {
    /// Which one.
    pub span: Span,
    /// In words.
    pub fact: String,
}

/// Whether any budget needs to know what was spent before the step.
#[must_use]
pub fn looks_back(budget: &Budget) -> bool {
    let usd = [budget.task_usd, budget.day_usd, budget.month_usd];
    let tokens = [budget.task_tokens, budget.day_tokens, budget.month_tokens];
    usd.iter().any(Option::is_some) || tokens.iter().any(Option::is_some)
}

/// What a step may spend.
///
/// # Errors
/// When a budget is spent already.
pub fn allowance(budget: &Budget, spending: &Spending) -> Result<Allowance, Exhausted> {
    let spans = [
        (Span::Step, budget.step_usd, budget.step_tokens, Sum::default()),
        (Span::Task, budget.task_usd, budget.task_tokens, spending.task),
        (Span::Day, budget.day_usd, budget.day_tokens, spending.day),
        (Span::Month, budget.month_usd, budget.month_tokens, spending.month),
    ];
    let mut allowance = Allowance::default();
    for (span, usd, tokens, spent) in spans {
        let word = span.as_str();
        if let Some(limit) = usd {
            let left = limit - spent.usd;
            if left <= 0.0 {
                let fact =
                    format!("`budget.{word}_usd` is spent: {} of {}", spell_usd(spent.usd), spell_usd(limit));
                return Err(Exhausted { span, fact });
            }
            if allowance.usd.is_none_or(|least| left < least) {
                (allowance.usd, allowance.spans.0) = (Some(left), Some(span));
            }
        }
        if let Some(limit) = tokens {
            let left = limit.saturating_sub(spent.tokens);
            if left == 0 {
                let fact = format!("`budget.{word}_tokens` is spent: {} of {limit}", spent.tokens);
                return Err(Exhausted { span, fact });
            }
            if allowance.tokens.is_none_or(|least| left < least) {
                (allowance.tokens, allowance.spans.1) = (Some(left), Some(span));
            }
        }
    }
    Ok(allowance)
}

/// What sessions of a step used that no budget in USD counts, since nobody knows what it cost; none where there is
/// no such budget.
#[must_use]
pub fn uncounted(budget: Allowance, agent: &str, sessions: &[AttemptRecord]) -> Option<String> {
    let key = budget.spans.0?.key("usd");
    let unknown = || sessions.iter().filter(|each| each.cost_usd.is_none() && each.tokens.total() > 0);
    let mut names: Vec<&str> = unknown().map(|each| each.agent.as_deref().unwrap_or(agent)).collect();
    names.sort_unstable();
    names.dedup();
    let tokens: u64 = unknown().map(|each| each.tokens.total()).sum();
    (!names.is_empty()).then(|| {
        let names = names.join("`, `");
        format!(
            "`{key}` does not count the {tokens} tokens of `{names}`: nobody knows what they cost; \
             set its `price`, or a budget in tokens"
        )
    })
}

impl Allowance {
    /// The same, but no more than what is left of what a run may spend, in USD.
    #[must_use]
    pub fn within(self, run: Option<f64>) -> Self {
        let less = run.filter(|usd| self.usd.is_none_or(|least| *usd < least));
        less.map_or(self, |usd| Self { usd: Some(usd), spans: (Some(Span::Run), self.spans.1), ..self })
    }

    /// What is left after this was spent.
    #[must_use]
    pub fn after(&self, spent: Spent) -> Self {
        let usd = self.usd.map(|usd| (usd - spent.cost_usd.unwrap_or_default()).max(0.0));
        let tokens = self.tokens.map(|tokens| tokens.saturating_sub(spent.tokens.total()));
        Self { usd, tokens, spans: self.spans }
    }

    /// The budget that this used up, if one is, and its key in the configuration.
    #[must_use]
    pub fn used_up(&self, spent: Spent) -> Option<(Span, String)> {
        let usd = self.usd.is_some_and(|usd| spent.cost_usd.unwrap_or_default() >= usd);
        let tokens = self.tokens.is_some_and(|tokens| spent.tokens.total() >= tokens);
        let (span, unit) =
            if usd { (self.spans.0, "usd") } else { (self.spans.1.filter(|_| tokens), "tokens") };
        span.map(|span| (span, span.key(unit)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::run::Tokens;

    fn sum(usd: f64, tokens: u64) -> Sum {
        Sum { usd, tokens }
    }

    fn spent(usd: f64, input: u64) -> Spent {
        Spent { tokens: Tokens { input, ..Tokens::default() }, cost_usd: Some(usd) }
    }

    #[test]
    fn the_least_of_all_budgets_counts() {
        let budget = Budget {
            step_usd: Some(2.0),
            day_usd: Some(20.0),
            month_usd: Some(200.0),
            task_tokens: Some(1_000),
            ..Budget::default()
        };
        assert!(looks_back(&budget));
        let spending = Spending { task: sum(0.0, 400), day: sum(19.0, 0), month: sum(50.0, 0) };
        let left = allowance(&budget, &spending).unwrap();
        assert_eq!((left.usd, left.tokens), (Some(1.0), Some(600)));
        assert_eq!(left.spans, (Some(Span::Day), Some(Span::Task)));
        assert_eq!(left.used_up(spent(0.5, 10)), None);
        assert_eq!(left.used_up(spent(1.0, 10)), Some((Span::Day, "budget.day_usd".to_owned())));
        assert_eq!(left.used_up(spent(0.5, 600)), Some((Span::Task, "budget.task_tokens".to_owned())));
        assert_eq!(left.after(spent(0.25, 100)).usd, Some(0.75));
        assert_eq!(left.after(spent(1.5, 100)).usd, Some(0.0));
    }

    #[test]
    fn a_budget_that_is_spent_is_named() {
        let budget = Budget { day_usd: Some(20.0), month_tokens: Some(5), ..Budget::default() };
        let of = |spending| allowance(&budget, &spending).unwrap_err();
        let day = of(Spending { day: sum(20.5, 0), ..Spending::default() });
        assert_eq!((day.span, day.fact.as_str()), (Span::Day, "`budget.day_usd` is spent: $20.50 of $20.00"));
        assert_eq!(of(Spending { month: sum(0.0, 5), ..Spending::default() }).span, Span::Month);
        assert_eq!(allowance(&Budget::default(), &Spending::default()), Ok(Allowance::default()));
        assert!(!looks_back(&Budget { step_usd: Some(1.0), ..Budget::default() }));
    }
}
