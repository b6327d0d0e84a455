//! PromQL, each thing once: parsed within limits, walked, printed, its matchers judged, Grafana's variables filled in,
//! evaluated. The parser's types are used from here, its functions only in this room.

pub(crate) mod canonical;
pub mod engine;
pub(crate) mod matchers;
mod modifiers;
pub(crate) mod narrowed;
pub(crate) mod native;
pub(crate) mod number;
mod parse;
mod patterns;
pub(crate) mod re2;
pub mod samples;
pub(crate) mod variables;
pub(crate) mod walk;

pub(crate) use modifiers::{compared, grouped, returns_bool};
pub(crate) use parse::{parse, refused_pattern};
pub(crate) use promql_parser::label::{MatchOp, Matcher};
pub(crate) use promql_parser::parser::value::ValueType;
pub(crate) use promql_parser::parser::{
    AggregateExpr, AtModifier, BinaryExpr, Call, Expr, LabelModifier, Offset, SubqueryExpr,
    VectorMatchCardinality, VectorSelector, token,
};
