//! The template engine with imctl's rules: undefined names are errors, no values in messages, filters that quote.

use crate::base::quote;
use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, Error, ErrorKind, UndefinedBehavior, Value};
use serde_json::Value as Json;
use thiserror::Error as ThisError;

/// Why a template of a stack cannot be rendered. Names the place, never a value.
#[derive(Debug, ThisError)]
#[error("{place}: {text}")]
pub struct RenderError {
    /// Component, resource and line.
    pub place: String,
    /// What is wrong.
    pub text: String,
}

/// Renders strings and conditions.
pub(super) struct Engine {
    environment: Environment<'static>,
}

impl Engine {
    pub(super) fn new() -> Self {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_debug(false);
        let mut syntax = SyntaxConfig::builder();
        syntax.keep_trailing_newline(true).trim_blocks(true).lstrip_blocks(true);
        environment.set_syntax(syntax.build().expect("only white space differs from the default syntax"));
        environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
        environment.add_filter("shquote", |text: String| quote(&text));
        environment.add_filter("yamlquote", |text: String| Json::String(text).to_string());
        environment.add_filter("erlstr", |text: String| {
            format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
        });
        environment.add_filter("sqlquote", sql_quote);
        environment.add_filter("kebab", |text: String| text.replace('_', "-"));
        environment.add_filter("rjust", |text: String, width: usize| format!("{text:>width$}"));
        Self { environment }
    }

    /// Renders a text; a text without marks comes back as it is.
    pub(super) fn text(&self, place: &str, source: &str, context: &Value) -> Result<String, RenderError> {
        if !source.contains("{{") && !source.contains("{%") && !source.contains("{#") {
            return Ok(source.to_owned());
        }
        self.environment.render_named_str(place, source, context).map_err(|error| told(place, &error))
    }

    /// Evaluates a condition.
    pub(super) fn holds(&self, place: &str, expression: &str, context: &Value) -> Result<bool, RenderError> {
        let compiled =
            self.environment.compile_expression(expression).map_err(|error| told(place, &error))?;
        Ok(compiled.eval(context).map_err(|error| told(place, &error))?.is_true())
    }
}

#[expect(clippy::needless_pass_by_value, reason = "filters are given their values")]
fn sql_quote(text: String) -> Result<String, Error> {
    if text.contains('\0') {
        return Err(Error::new(ErrorKind::InvalidOperation, "a NUL cannot stand in SQL"));
    }
    Ok(format!("'{}'", text.replace('\'', "''")))
}

/// Line and kind of an error. minijinja's detail may quote the expression, never a value of the context.
fn told(place: &str, error: &Error) -> RenderError {
    let line = error.line().map_or_else(String::new, |line| format!(":{line}"));
    let detail = error.detail().map_or_else(String::new, |detail| format!(": {detail}"));
    RenderError { place: format!("{place}{line}"), text: format!("{}{detail}", error.kind()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use minijinja::context;

    #[test]
    fn an_undefined_name_is_an_error_with_its_line_and_without_values() {
        let context = context! { secrets => context! { password => "hunter2" } };
        let error = Engine::new().text("server.yml.j2", "a\n{{ secrets.nope }}\n", &context);
        let error = error.expect_err("the name is not defined").to_string();
        assert!(error.starts_with("server.yml.j2:2: "), "{error}");
        assert!(!error.contains("hunter2"));
    }

    #[test]
    fn filters_quote_for_their_language() {
        let context = context! { it => "a'b\"c" };
        let engine = Engine::new();
        let text = |source| engine.text("t", source, &context).expect("renders");
        assert_eq!(text("{{ it|sqlquote }}"), "'a''b\"c'");
        assert_eq!(text("{{ it|yamlquote }}"), r#""a'b\"c""#);
        assert_eq!(text("{{ it|erlstr }}"), r#""a'b\"c""#);
        assert!(engine.holds("t", "'a' in it and not it.startswith('z')", &context).is_err());
        assert!(engine.holds("t", "'a' in it", &context).expect("evaluates"));
    }
}
