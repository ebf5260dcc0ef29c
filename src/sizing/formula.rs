//! Formulas: template expressions over numbers.

use crate::stack::StackError;
use minijinja::{Environment, UndefinedBehavior, Value};
use std::collections::BTreeMap;
use thiserror::Error;

/// Why a formula gives no number.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{place}: `{formula}`: {text}")]
pub struct FormulaError {
    /// What is computed.
    pub place: String,
    /// The formula.
    pub formula: String,
    /// What is wrong.
    pub text: String,
}

impl FormulaError {
    /// The same as a mistake of the stack's file.
    pub fn of_stack(&self, stack: &str) -> StackError {
        let (stack, file) = (stack.to_owned(), "sizing.yml".to_owned());
        StackError::Syntax { stack, file, text: self.to_string() }
    }
}

/// Evaluates formulas over the names known so far.
pub(super) struct Formulas {
    environment: Environment<'static>,
    known: BTreeMap<String, Value>,
}

impl Formulas {
    pub(super) fn new() -> Self {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.add_function("max", |a: f64, b: f64| a.max(b));
        environment.add_function("min", |a: f64, b: f64| a.min(b));
        environment.add_function("ceil", f64::ceil);
        Self { environment, known: BTreeMap::new() }
    }

    /// Makes a number known.
    pub(super) fn know(&mut self, name: &str, value: f64) {
        self.known.insert(name.to_owned(), Value::from(value));
    }

    /// Makes a yes or no known.
    pub(super) fn know_whether(&mut self, name: &str, value: bool) {
        self.known.insert(name.to_owned(), Value::from(value));
    }

    /// The number that a formula gives: finite and not negative. An empty one gives nothing.
    pub(super) fn number(&self, place: &str, formula: &str) -> Result<f64, FormulaError> {
        let wrong =
            |text: String| FormulaError { place: place.to_owned(), formula: formula.to_owned(), text };
        if formula.is_empty() {
            return Ok(0.0);
        }
        let told = |error: minijinja::Error| {
            let detail = error.detail().map_or_else(String::new, |detail| format!(": {detail}"));
            wrong(format!("{}{detail}", error.kind()))
        };
        let compiled = self.environment.compile_expression(formula).map_err(told)?;
        let value = compiled.eval(&self.known).map_err(told)?;
        let number = f64::try_from(value).map_err(|_| wrong("it is no number".to_owned()))?;
        if number.is_finite() && number >= 0.0 {
            Ok(number)
        } else {
            Err(wrong(format!("{number} is no amount")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_numbers_over_known_names() {
        let mut formulas = Formulas::new();
        formulas.know("users", 1000.0);
        formulas.know_whether("ha", true);
        let number = |formula: &str| formulas.number("here", formula);
        assert_eq!(number("users * 0.35"), Ok(350.0));
        assert_eq!(number("max(ceil(users / 300), 2) + (1 if ha else 0)"), Ok(5.0));
        assert_eq!(number(""), Ok(0.0));
        for (formula, said) in [
            ("user * 2", "here: `user * 2`: invalid operation"),
            ("users -", "here: `users -`: syntax error"),
            ("'many'", "here: `'many'`: it is no number"),
            ("0 - users", "here: `0 - users`: -1000 is no amount"),
            ("users / 0", "here: `users / 0`"),
        ] {
            let error = number(formula).unwrap_err().to_string();
            assert!(error.starts_with(said), "{error}");
        }
    }
}
