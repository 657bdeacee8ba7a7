//! The CEL environment of the API server: the functions that rules may call.
//!
//! It has what the rules of the definitions use. A test fails if a rule calls a function without a test here.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, LazyLock};

use cel::common::ast::{
    CallExpr, ComprehensionExpr, Expr, IdedExpr, ListExpr, LiteralValue, operators,
};
use cel::common::types::{CelBool, CelInt, CelList, CelString, DYN_TYPE, LIST_TYPE};
use cel::common::value::{CowVal, Val};
use cel::parser::{Macro, MacroExprHelper, ParseError};
use cel::{DeclarationError, Env, ExecutionError};

use crate::pattern;

/// Lists the pairs of index and item of a list. Its name cannot be written in a rule.
const INDEXED: &str = "@indexed";

/// Variable for such a pair.
const PAIR: &str = "@pair";

/// Result of a comprehension.
const RESULT: &str = "@result";

static ENVIRONMENT: LazyLock<Result<Arc<Env>, DeclarationError>> = LazyLock::new(|| {
    let mut environment = Env::stdlib();
    environment.add_extension(cel::extensions::strings)?;
    environment.add_extension(kubernetes)?;
    Ok(Arc::new(environment))
});

/// Returns the environment.
pub(crate) fn environment() -> Result<Arc<Env>, String> {
    let environment = ENVIRONMENT.as_ref();
    environment.map(Arc::clone).map_err(ToString::to_string)
}

/// Declares the functions that Kubernetes adds to CEL, and `matches` with the syntax of the API server.
fn kubernetes(environment: &mut Env) -> Result<(), DeclarationError> {
    cel::add_member_overload!(environment, fn matches: (CelString, CelString) -> Result<CelBool>)?;
    cel::add_member_overload!(environment, fn find: (CelString, CelString) -> Result<CelString>)?;
    cel::add_overload!(environment, fn is_ip: (CelString) -> CelBool, name = "isIP")?;
    environment.add_member_overload("sum", "list.sum()", LIST_TYPE, vec![], sum)?;
    environment.add_member_overload(
        "indexOf",
        "list.indexOf(dyn)",
        LIST_TYPE,
        vec![DYN_TYPE],
        index_of,
    )?;
    environment.add_member_overload(INDEXED, "list.@indexed()", LIST_TYPE, vec![], indexed)?;
    environment.add_macro(Macro::receiver("all", 3, all_with_index))
}

fn regex(function: &str, pattern: &CelString<'_>) -> Result<Arc<regex::Regex>, ExecutionError> {
    pattern::compiled(pattern.inner()).ok_or_else(|| ExecutionError::FunctionError {
        function: function.to_owned(),
        message: "unsupported pattern".to_owned(),
    })
}

fn matches(text: &CelString<'_>, pattern: &CelString<'_>) -> Result<CelBool, ExecutionError> {
    let regex = regex("matches", pattern)?;
    Ok(CelBool::from(regex.is_match(text.inner())))
}

/// Returns the first match, or an empty text.
fn find(
    text: &CelString<'_>,
    pattern: &CelString<'_>,
) -> Result<CelString<'static>, ExecutionError> {
    let regex = regex("find", pattern)?;
    let found = regex.find(text.inner()).map(|found| found.as_str());
    Ok(found.unwrap_or_default().to_owned().into())
}

/// Returns whether a text is an IP address, without a zone, and not an IPv4 address in the form of IPv6.
fn is_ip(text: &CelString<'_>) -> CelBool {
    let is_mapped = |address: Ipv6Addr| address.to_ipv4_mapped().is_some();
    CelBool::from(match text.inner().parse() {
        Ok(IpAddr::V4(_)) => true,
        Ok(IpAddr::V6(address)) => !is_mapped(address),
        Err(_) => false,
    })
}

fn items<'b, 'v>(
    function: &str,
    list: &'b (dyn Val + 'v),
) -> Result<Vec<&'b (dyn Val + 'v)>, ExecutionError> {
    let list = list
        .as_iterable()
        .ok_or_else(|| ExecutionError::no_such_member_overload(function, Vec::new()))?;
    let mut iterator = list.iter();
    let mut items = Vec::new();
    while let Some(item) = iterator.next() {
        items.push(item);
    }
    Ok(items)
}

fn argument<'a, 'b, 'v>(
    function: &str,
    arguments: &'a [CowVal<'b, 'v>],
    index: usize,
) -> Result<&'a (dyn Val + 'v), ExecutionError> {
    arguments
        .get(index)
        .map(AsRef::as_ref)
        .ok_or_else(|| ExecutionError::no_such_member_overload(function, Vec::new()))
}

#[expect(clippy::needless_pass_by_value, reason = "type of CEL functions")]
fn sum<'b, 'v>(arguments: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let mut sum = 0_i64;
    for item in items("sum", argument("sum", &arguments, 0)?)? {
        let number = item
            .downcast_ref::<CelInt>()
            .ok_or_else(|| ExecutionError::no_such_member_overload("sum", Vec::new()))?;
        sum = sum.saturating_add(*number.inner());
    }
    Ok(CowVal::owned(CelInt::from(sum)))
}

#[expect(clippy::needless_pass_by_value, reason = "type of CEL functions")]
fn index_of<'b, 'v>(arguments: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let list = items("indexOf", argument("indexOf", &arguments, 0)?)?;
    let wanted = argument("indexOf", &arguments, 1)?;
    let index = list.iter().position(|item| item.equals(wanted));
    let index = index.and_then(|index| i64::try_from(index).ok());
    Ok(CowVal::owned(CelInt::from(index.unwrap_or(-1))))
}

#[expect(clippy::needless_pass_by_value, reason = "type of CEL functions")]
fn indexed<'b, 'v>(arguments: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let list = items("all", argument("all", &arguments, 0)?)?;
    let pairs = list.into_iter().zip(0_i64..).map(|(item, index)| {
        let pair: Vec<Box<dyn Val + 'v>> =
            vec![Box::new(CelInt::from(index)), item.clone_as_boxed()];
        Box::new(CelList::from(pair)) as Box<dyn Val + 'v>
    });
    Ok(CowVal::owned(CelList::from(pairs.collect::<Vec<_>>())))
}

/// Expands `list.all(index, item, predicate)` to `list.@indexed().all(@pair, [@pair[0]].all(index,
/// [@pair[1]].all(item, predicate)))`.
#[expect(clippy::unnecessary_wraps, reason = "type of CEL macros")]
fn all_with_index(
    helper: &mut MacroExprHelper<'_>,
    target: &mut Option<IdedExpr>,
    arguments: &mut Vec<IdedExpr>,
) -> Result<Option<IdedExpr>, ParseError> {
    let names: Vec<String> = arguments.iter().take(2).filter_map(name).collect();
    let [index, item] = names.as_slice() else {
        return Ok(None);
    };
    let (Some(list), Some(predicate)) = (target.take(), arguments.pop()) else {
        return Ok(None);
    };
    let by_item = element(helper, 1);
    let by_item = all(helper, by_item, item, predicate);
    let by_index = element(helper, 0);
    let by_index = all(helper, by_index, index, by_item);
    let pairs = helper.next_expr(Expr::Call(CallExpr {
        func_name: INDEXED.to_owned(),
        target: Some(Box::new(list)),
        args: Vec::new(),
    }));
    Ok(Some(all(helper, pairs, PAIR, by_index)))
}

fn name(argument: &IdedExpr) -> Option<String> {
    match &argument.expr {
        Expr::Ident(name) => Some(name.clone()),
        _ => None,
    }
}

/// Creates `[@pair[index]]`.
fn element(helper: &mut MacroExprHelper<'_>, index: i64) -> IdedExpr {
    let pair = helper.next_expr(Expr::Ident(PAIR.to_owned()));
    let index = helper.next_expr(Expr::Literal(LiteralValue::Int(index.into())));
    let element = call(helper, operators::INDEX, vec![pair, index]);
    helper.next_expr(Expr::List(ListExpr::new(vec![element])))
}

/// Creates `list.all(variable, predicate)`.
fn all(
    helper: &mut MacroExprHelper<'_>,
    list: IdedExpr,
    variable: &str,
    predicate: IdedExpr,
) -> IdedExpr {
    let result =
        |helper: &mut MacroExprHelper<'_>| helper.next_expr(Expr::Ident(RESULT.to_owned()));
    let accu_init = helper.next_expr(Expr::Literal(LiteralValue::Boolean(true.into())));
    let so_far = result(helper);
    let loop_cond = call(helper, operators::NOT_STRICTLY_FALSE, vec![so_far]);
    let so_far = result(helper);
    let loop_step = call(helper, operators::LOGICAL_AND, vec![so_far, predicate]);
    let result = result(helper);
    helper.next_expr(Expr::Comprehension(Box::new(ComprehensionExpr {
        iter_range: list,
        iter_var: variable.to_owned(),
        iter_var2: None,
        accu_var: RESULT.to_owned(),
        accu_init,
        loop_cond,
        loop_step,
        result,
    })))
}

fn call(helper: &mut MacroExprHelper<'_>, function: &str, args: Vec<IdedExpr>) -> IdedExpr {
    helper.next_expr(Expr::Call(CallExpr {
        func_name: function.to_owned(),
        target: None,
        args,
    }))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::environment;

    /// Functions and operators that rules may use, each with expressions that are true as evaluated by the API
    /// server.
    pub(crate) const SUPPORTED: [(&str, &[&str]); 29] = [
        ("!_", &["!false"]),
        ("@in", &["'a' in ['a']", "!('b' in ['a'])"]),
        ("@not_strictly_false", &["['a', ''].all(x, true)"]),
        ("@indexed", &["[7, 8].all(i, x, x == i + 7)"]),
        ("_!=_", &["1 != 2"]),
        ("_&&_", &["!(true && false)", "!(false && [][0])"]),
        ("_+_", &["1 + 2 == 3"]),
        ("_<=_", &["2 <= 2", "!(3 <= 2)"]),
        ("_==_", &["'a' == 'a'", "null == null"]),
        (
            "_?._",
            &["{'a': 1}.?a.orValue(2) == 1", "{}.?a.orValue(2) == 2"],
        ),
        ("_?_:_", &["true ? true : [][0]"]),
        ("_[_]", &["[3][0] == 3"]),
        ("_||_", &["true || [][0]", "[][0] || true"]),
        ("all", &["[1, 2].all(x, x > 0)", "![1].all(i, x, i == x)"]),
        ("filter", &["['', 'a'].filter(x, x != '') == ['a']"]),
        (
            "find",
            &[
                "'http://[::1]:80'.find('\\\\[[^\\\\]]*') == '[::1'",
                "'a'.find('b') == ''",
            ],
        ),
        (
            "indexOf",
            &[
                "['a', 'b'].indexOf('b') == 1",
                "['a'].indexOf('c') == -1",
                "'abc'.indexOf('c') == 2",
            ],
        ),
        (
            "isIP",
            &[
                "isIP('10.0.0.1')",
                "isIP('::1')",
                "!isIP('::ffff:1.2.3.4')",
                "!isIP('fe80::1%eth0')",
                "!isIP('1.2.3')",
                "!isIP('010.0.0.1')",
                "!isIP('')",
            ],
        ),
        ("map", &["[1, 2].map(x, x + 1) == [2, 3]"]),
        (
            "matches",
            &[
                "'a1'.matches(r'^\\w+$')",
                "!'ä'.matches(r'^\\w+$')",
                "'xay'.matches('a')",
            ],
        ),
        ("orValue", &["{'a': [1]}.?a.orValue([]).size() == 1"]),
        ("replace", &["'a-b-c'.replace('-', '_') == 'a_b_c'"]),
        (
            "size",
            &[
                "'ä'.size() == 1",
                "[1, 2].size() == 2",
                "{}.size() == 0",
                "size('ab') == 2",
            ],
        ),
        ("startsWith", &["'ext-a'.startsWith('ext-')"]),
        ("substring", &["'äbc'.substring(1) == 'bc'"]),
        ("sum", &["[1, 2].sum() == 3", "[].sum() == 0"]),
        ("upperAscii", &["'äb'.upperAscii() == 'äB'"]),
        ("_-_", &["3 - 1 == 2"]),
        ("_>_", &["2 > 1"]),
    ];

    #[test]
    fn functions_evaluate_as_in_the_api_server() {
        let environment = environment().unwrap();
        for (function, expressions) in SUPPORTED {
            for expression in expressions {
                let program = environment.compile(expression).unwrap();
                let context = cel::Context::with_env(environment.clone());
                let result = program.execute(&context);
                assert_eq!(
                    result,
                    Ok(cel::Value::Bool(true)),
                    "{function}: {expression}"
                );
            }
        }
    }
}
