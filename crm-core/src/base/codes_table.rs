codes! {
    // The request as a whole.
    InvalidRequest = "invalid_request", Validation, "mistakes in the request: {count}, listed in `violations`; mend each", "请求有 {count} 处错误，列在 `violations` 中：请逐一改正";
    InvalidJson = "invalid_json", Validation, "the text is not JSON: {reason}", "文本不是有效的 JSON：{reason}";
    UnknownOperation = "unknown_operation", Validation, "there is no operation `{op}`: {hint}", "没有操作 `{op}`：{hint}";
    UnsupportedWire = "unsupported_wire", Validation, "wire version {wire} is not known: send `wire` 1", "不支持的协议版本 {wire}：请发送 `wire` 1";
    UnknownField = "unknown_field", Validation, "there is no field `{field}` here: {hint}", "此处没有字段 `{field}`：{hint}";
    MissingField = "missing_field", Validation, "the field `{field}` is missing: add it", "缺少字段 `{field}`：请补上";
    DuplicateField = "duplicate_field", Validation, "the field `{field}` stands twice: keep one", "字段 `{field}` 重复：请只保留一个";
    WrongType = "wrong_type", Validation, "expected {expected}, found {found}: change the value", "应为 {expected}，实为 {found}：请更改该值";
    UnknownVariant = "unknown_variant", Validation, "`{value}` is not one of {known}: {hint}", "`{value}` 不在 {known} 之中：{hint}";
    FractionalNumber = "fractional_number", Validation, "`{value}` is a JSON number with a fraction, which is not exact: write it as a string, such as \"{value}\"", "`{value}` 是带小数的 JSON 数字，不精确：请写成字符串，例如 \"{value}\"";
    LargeNumber = "large_number", Validation, "a JSON number beyond 64 bits is not exact: write its digits as a string", "超过 64 位的 JSON 数字不精确：请把各位数字写成字符串";
    InvalidDecimal = "invalid_decimal", Validation, "`{value}` is not a decimal: write digits with an optional point, such as `12.50`", "`{value}` 不是小数：请写数字，可带小数点，例如 `12.50`";
    InvalidDate = "invalid_date", Validation, "`{value}` is not a calendar date: write it as `2026-01-31`", "`{value}` 不是日期：请写成 `2026-01-31`";
    InvalidInstant = "invalid_instant", Validation, "`{value}` is not an instant: write it as `2026-01-31T09:00:00Z`", "`{value}` 不是时刻：请写成 `2026-01-31T09:00:00Z`";
    InvalidId = "invalid_id", Validation, "`{value}` is not an id: use 1 to 64 characters without spaces or control characters", "`{value}` 不是有效的编号：请用 1 到 64 个字符，不含空格或控制字符";
    #[cfg(feature = "store")] RefersToItself = "refers_to_itself", Validation, "`{id}` cannot refer to itself here: name another one or leave it out", "`{id}` 在此不能引用自身：请指定其他编号或省略";
    #[cfg(feature = "store")] NestedBatch = "nested_batch", Validation, "a batch cannot hold a batch: put its requests into the outer one", "批处理不能嵌套：请把请求放入外层";
    InvalidText = "invalid_text", Validation, "the text holds a control character that cannot be stored: remove it", "文本含有无法存储的控制字符：请删除";
    TextEmpty = "text_empty", Validation, "the text is empty: fill it in or leave the field out", "文本为空：请填写，或省略该字段";
    TextTooLong = "text_too_long", Limit, "the text has {length} characters, at most {limit} are allowed: shorten it", "文本有 {length} 个字符，最多 {limit} 个：请缩短";
    TooManyItems = "too_many_items", Limit, "the list has {length} items, at most {limit} are allowed: split it", "列表有 {length} 项，最多 {limit} 项：请拆分";
    RequestTooLarge = "request_too_large", Limit, "the request has {length} bytes, at most {limit} are allowed: split it", "请求有 {length} 字节，最多 {limit} 字节：请拆分";
    NumberOutOfRange = "number_out_of_range", Validation, "`{value}` is outside {minimum} to {maximum}: choose a value inside", "`{value}` 不在 {minimum} 到 {maximum} 之间：请选择范围内的值";
    UnknownTimeZone = "unknown_time_zone", Validation, "`{value}` is not a time zone: {hint}", "`{value}` 不是时区：{hint}";
    MissingContext = "missing_context", Validation, "this operation needs `context.{field}`: pass it", "此操作需要 `context.{field}`：请提供";

    // Numbers and money.
    DecimalOverflow = "decimal_overflow", Validation, "the exact {what} needs more than 28 digits: use smaller or coarser numbers", "精确的 {what} 超过 28 位数字：请用更小或更粗的数";
    DivisionByZero = "division_by_zero", Validation, "a division by zero: give a divisor other than zero", "除数为零：请给出非零除数";
    UnknownCurrency = "unknown_currency", Validation, "`{value}` is not a currency of ISO 4217: {hint}", "`{value}` 不是 ISO 4217 货币：{hint}";
    CurrencyWithoutMinorUnit = "currency_without_minor_unit", Validation, "`{currency}` has no minor unit: name a rounding increment", "`{currency}` 没有辅币单位：请指明舍入单位";
    CurrencyMismatch = "currency_mismatch", Validation, "`{left}` and `{right}` cannot be added: convert one with a dated rate first", "`{left}` 与 `{right}` 不能相加：请先按注明日期的汇率换算";
    InvalidIncrement = "invalid_increment", Validation, "the rounding increment `{value}` is not above zero: use a positive decimal such as `0.01`", "舍入单位 `{value}` 不大于零：请用正小数，例如 `0.01`";
    InvalidWeights = "invalid_weights", Validation, "the weights cannot share an amount: {reason}", "权重无法分配金额：{reason}";
    AmountNotMultiple = "amount_not_multiple", Validation, "`{amount}` is not a multiple of `{increment}`: round it first or name a finer increment", "`{amount}` 不是 `{increment}` 的整数倍：请先舍入，或指明更细的单位";
    ConflictingFields = "conflicting_fields", Validation, "`{first}` and `{second}` exclude each other: keep one", "`{first}` 与 `{second}` 互斥：请只保留一个";
    DuplicateRate = "duplicate_rate", Validation, "there are two rates from `{from}` to `{to}` on `{date}`: keep one", "`{date}` 有两个从 `{from}` 到 `{to}` 的汇率：请只保留一个";
    RateToItself = "rate_to_itself", Validation, "a rate leads from `{currency}` to itself: name two currencies", "汇率从 `{currency}` 换算到自身：请指明两种货币";
    MissingRate = "missing_rate", Validation, "there is no rate from `{from}` to `{to}` on or before `{date}`: add one", "没有 `{date}` 当日或之前从 `{from}` 到 `{to}` 的汇率：请添加";
    InvalidRate = "invalid_rate", Validation, "the rate `{value}` is not above zero: use a positive decimal", "汇率 `{value}` 不大于零：请用正小数";
    NegativeNumber = "negative_number", Validation, "`{value}` is below zero: use zero or more", "`{value}` 小于零：请用零或正数";
    PercentOutOfRange = "percent_out_of_range", Validation, "`{value}` is not a percent between {minimum} and {maximum}: ten percent is written `10`", "`{value}` 不是 {minimum} 到 {maximum} 之间的百分数：百分之十写作 `10`";
    #[cfg(feature = "store")] ProductWithoutPrice = "product_without_price", Validation, "the price book `{price_book}` has no price for `{product}`: add one or choose another book", "价目表 `{price_book}` 没有 `{product}` 的价格：请添加或换用其他价目表";
    QuoteWithoutLines = "quote_without_lines", Validation, "a quote needs at least one line: add one to `lines`", "报价至少要有一行：请在 `lines` 中添加";

    // Configuration.
    #[cfg(feature = "store")] InvalidConfiguration = "invalid_configuration", Validation, "errors in the configuration: {count}, listed in `findings`; mend each", "配置有 {count} 处错误，列在 `findings` 中：请逐一改正";
    #[cfg(feature = "store")] UnsupportedConfiguration = "unsupported_configuration", Validation, "configuration version {version} is not known: write version 1", "不支持的配置版本 {version}：请使用版本 1";
    DuplicateId = "duplicate_id", Validation, "the id `{id}` stands twice: give each its own", "编号 `{id}` 重复：请各用不同的编号";
    #[cfg(feature = "store")] PipelineWithoutStage = "pipeline_without_stage", Validation, "the pipeline `{pipeline}` has no stage of kind `{kind}`: add one", "管道 `{pipeline}` 没有类型为 `{kind}` 的阶段：请添加";
    #[cfg(feature = "store")] UnknownStage = "unknown_stage", Validation, "there is no stage `{stage}` in the pipeline `{pipeline}`: {hint}", "管道 `{pipeline}` 中没有阶段 `{stage}`：{hint}";
    #[cfg(feature = "store")] UnknownPipeline = "unknown_pipeline", Validation, "there is no pipeline `{pipeline}`: {hint}", "没有管道 `{pipeline}`：{hint}";
    #[cfg(feature = "store")] UnreachableStage = "unreachable_stage", Reason, "no allowed move leads to the stage `{stage}` of the pipeline `{pipeline}`: add one or remove the stage", "管道 `{pipeline}` 的阶段 `{stage}` 没有任何移动可以到达：请添加移动或删除该阶段";
    #[cfg(feature = "store")] DeadEndStage = "dead_end_stage", Reason, "from the open stage `{stage}` of the pipeline `{pipeline}` no allowed move leads on: add one", "管道 `{pipeline}` 的进行中阶段 `{stage}` 没有后续移动：请添加";
    #[cfg(feature = "store")] ProbabilityNotRising = "probability_not_rising", Reason, "the stage `{stage}` of the pipeline `{pipeline}` has a lower probability than the one before: check it", "管道 `{pipeline}` 的阶段 `{stage}` 概率低于前一阶段：请检查";
    #[cfg(feature = "store")] FixedProbability = "fixed_probability", Validation, "a {kind} stage always has probability {probability}: leave it out of `{stage}`", "{kind} 阶段的概率固定为 {probability}：请从 `{stage}` 中去掉";
    #[cfg(feature = "store")] InvalidFieldId = "invalid_field_id", Validation, "`{id}` cannot be the id of a field: use at most {limit} lower-case letters, digits and `_`, beginning with a letter", "`{id}` 不能作为字段编号：请用不超过 {limit} 个小写字母、数字和 `_`，并以字母开头";
    #[cfg(feature = "store")] UnknownRequiredField = "unknown_required_field", Validation, "`{field}` is not a field of an opportunity: {hint}", "`{field}` 不是商机的字段：{hint}";

    // Conditions.
    #[cfg(feature = "store")] InvalidCondition = "invalid_condition", Validation, "a condition has exactly one of `all`, `any`, `not` and `field`, found {parts}: write one", "条件必须恰有 `all`、`any`、`not`、`field` 之一，实为 {parts}：请写其中一个";
    #[cfg(feature = "store")] OperatorNotApplicable = "operator_not_applicable", Validation, "`{op}` does not apply to `{field}` of the type {type}: use one of {allowed}", "`{op}` 不适用于类型为 {type} 的 `{field}`：请用 {allowed} 之一";
    #[cfg(feature = "store")] PartNotUsed = "part_not_used", Validation, "`{part}` means nothing to `{op}`: remove it", "`{part}` 对 `{op}` 没有意义：请删除";
    #[cfg(feature = "store")] TypesDiffer = "types_differ", Validation, "`{field}` is of the type {type} and `{other}` of the type {other_type}: compare fields of one type", "`{field}` 的类型是 {type}，而 `{other}` 的类型是 {other_type}：请比较同类型的字段";
    #[cfg(feature = "store")] ConditionTooDeep = "condition_too_deep", Limit, "the condition is nested deeper than {limit} groups: flatten it", "条件嵌套超过 {limit} 层：请展平";
    #[cfg(feature = "store")] ConditionTooLarge = "condition_too_large", Limit, "the condition has more than {limit} parts: use `in` for lists of values, or split it", "条件超过 {limit} 个部分：值的列表请用 `in`，或拆分条件";
    #[cfg(feature = "store")] OrderNotPossible = "order_not_possible", Validation, "`{field}` holds several values and gives no order: order by another field", "`{field}` 含多个值，无法排序：请按其他字段排序";
    #[cfg(feature = "store")] ScanLimitReached = "scan_limit_reached", Limit, "more than {limit} records would have to be read and sorted: narrow the search, or order by a field that an index gives", "需要读取并排序的记录超过 {limit} 条：请缩小范围，或按有索引的字段排序";
    #[cfg(feature = "store")] SearchCut = "search_cut", Reason, "{read} records were read before the page was full: go on from the cursor, or narrow the search", "读取 {read} 条记录后页面仍未满：请从游标继续，或缩小范围";
    #[cfg(feature = "store")] WithoutIndex = "without_index", Reason, "no index helps to find what this condition describes: every {kind} is read", "没有索引可用于查找此条件所描述的记录：将读取每条 {kind}";
    #[cfg(feature = "store")] AlwaysTrue = "always_true", Reason, "this part holds for every record: remove it or mend it", "此部分对每条记录都成立：请删除或修正";
    #[cfg(feature = "store")] AlwaysFalse = "always_false", Reason, "this part holds for no record: remove it or mend it", "此部分对任何记录都不成立：请删除或修正";
    #[cfg(feature = "store")] AmountWithoutCurrency = "amount_without_currency", Reason, "the amount that `{field}` is compared with names no currency: amounts of every currency are compared by their number; add `currency`", "与 `{field}` 比较的金额没有币种：各币种的金额只按数值比较；请添加 `currency`";
    #[cfg(feature = "store")] ConditionHolds = "condition_holds", Reason, "the condition holds", "条件成立";
    #[cfg(feature = "store")] ConditionFails = "condition_fails", Reason, "the condition does not hold", "条件不成立";
    #[cfg(feature = "store")] TestHolds = "test_holds", Reason, "`{field}` {op} {against} holds: found {found}", "`{field}` {op} {against} 成立：实为 {found}";
    #[cfg(feature = "store")] TestFails = "test_fails", Reason, "`{field}` {op} {against} does not hold: found {found}", "`{field}` {op} {against} 不成立：实为 {found}";

    // Records.
    #[cfg(feature = "store")] RecordNotFound = "record_not_found", NotFound, "there is no {kind} `{id}`: check the id", "没有 {kind} `{id}`：请检查编号";
    #[cfg(feature = "store")] RecordExists = "record_exists", Conflict, "the {kind} `{id}` exists already: choose another id or update it", "{kind} `{id}` 已存在：请换编号或改为更新";
    VersionConflict = "version_conflict", Conflict, "the {kind} `{id}` was changed by somebody else: read it again and repeat", "{kind} `{id}` 已被他人更改：请重新读取后再试";
    #[cfg(feature = "store")] ClaimTaken = "claim_taken", Conflict, "`{name}` is taken already in `{scope}`: choose another one", "`{name}` 在 `{scope}` 中已被占用：请换一个";
    #[cfg(feature = "store")] LimitReached = "limit_reached", Limit, "`{name}` of `{scope}` has reached its limit of {max}: raise the limit or wait for the next window", "`{scope}` 的 `{name}` 已达上限 {max}：请提高上限或等待下一周期";
    #[cfg(feature = "store")] VersionAhead = "version_ahead", Conflict, "the {kind} `{id}` stands at version {found}, not yet at {expected}, which `expect_version` names: read it again and name its version", "{kind} `{id}` 的版本为 {found}，尚未到 `expect_version` 所写的 {expected}：请重新读取并写明其版本";
    #[cfg(feature = "store")] IdempotencyKeyReused = "idempotency_key_reused", Conflict, "the idempotency key `{key}` was used for another request: choose a new key", "幂等键 `{key}` 已用于另一请求：请换新键";
    #[cfg(feature = "store")] RecordFromNewerEngine = "record_from_newer_engine", Storage, "the {kind} `{id}` has schema {schema}, written by a newer engine: upgrade this one", "{kind} `{id}` 的模式为 {schema}，由更新的引擎写入：请升级";
    #[cfg(feature = "store")] CorruptRecord = "corrupt_record", Storage, "the stored {kind} `{id}` cannot be read: restore it from a backup", "存储的 {kind} `{id}` 无法读取：请从备份恢复";
    #[cfg(feature = "store")] InvalidCursor = "invalid_cursor", Validation, "the cursor does not belong to this query: start again without one", "游标不属于此查询：请不带游标重新开始";
    #[cfg(feature = "store")] UnknownIndex = "unknown_index", Validation, "there is no index `{index}` on {kind}: {hint}", "{kind} 上没有索引 `{index}`：{hint}";
    #[cfg(feature = "store")] DateInFuture = "date_in_future", Validation, "`effective_at` `{value}` is after the present `{now}`: use an earlier time", "`effective_at` `{value}` 晚于当前时间 `{now}`：请用更早的时间";
    #[cfg(feature = "store")] DateBeforeHistory = "date_before_history", Validation, "`effective_at` `{value}` is before the latest change at `{latest}`: use a later time", "`effective_at` `{value}` 早于最近一次更改 `{latest}`：请用更晚的时间";

    #[cfg(feature = "store")] UnknownKind = "unknown_kind", Validation, "there is no kind of record `{kind}`: {hint}", "没有记录类型 `{kind}`：{hint}";

    // Tasks, timers and intents.
    #[cfg(feature = "store")] TaskOpen = "task_open", InvalidTransition, "`{id}` is open: only a done or cancelled task can be reopened", "`{id}` 仍未完成：只有已完成或已取消的任务可以重新打开";
    #[cfg(feature = "store")] UnknownRule = "unknown_rule", Unsupported, "there is no rule `{rule}` for {kind}: remove its timer, or upgrade the engine that wrote it", "没有针对 {kind} 的规则 `{rule}`：请删除该定时器，或升级写入它的引擎";
    #[cfg(feature = "store")] TaskCompleted = "task_completed", Reason, "the task `{id}` is done", "任务 `{id}` 已完成";
    #[cfg(feature = "store")] TaskCancelled = "task_cancelled", Reason, "the task `{id}` is cancelled", "任务 `{id}` 已取消";
    #[cfg(feature = "store")] TaskReopened = "task_reopened", Reason, "the task `{id}` is open again", "任务 `{id}` 已重新打开";
    #[cfg(feature = "store")] TimerFired = "timer_fired", Reason, "the rule `{rule}` of {kind} `{id}`, due at {due}, is carried out", "{kind} `{id}` 的规则 `{rule}`（{due} 到期）已执行";
    #[cfg(feature = "store")] TimerMoved = "timer_moved", Reason, "the rule `{rule}` of {kind} `{id}` is not due before {due}", "{kind} `{id}` 的规则 `{rule}` 要到 {due} 才到期";
    #[cfg(feature = "store")] TimerDropped = "timer_dropped", Reason, "the rule `{rule}` has nothing to do at {kind} `{id}` any more", "规则 `{rule}` 对 {kind} `{id}` 已无事可做";
    #[cfg(feature = "store")] TimerFailed = "timer_failed", Reason, "the rule `{rule}` of {kind} `{id}` failed {failures} times in a row, with `{error}`; it is tried again at {due}", "{kind} `{id}` 的规则 `{rule}` 连续失败 {failures} 次，错误为 `{error}`；将于 {due} 重试";
    #[cfg(feature = "store")] TimerSetAside = "timer_set_aside", Reason, "the rule `{rule}` of {kind} `{id}` failed {failures} times in a row, with `{error}`, and is set aside; `timers.retry` sets it again", "{kind} `{id}` 的规则 `{rule}` 连续失败 {failures} 次，错误为 `{error}`，已搁置；可用 `timers.retry` 重新设置";
    #[cfg(feature = "store")] TimerSetAgain = "timer_set_again", Reason, "the rule `{rule}` of {kind} `{id}` is set again", "{kind} `{id}` 的规则 `{rule}` 已重新设置";
    #[cfg(feature = "store")] IntentDone = "intent_done", Reason, "the intent `{id}` is done", "意图 `{id}` 已完成";
    #[cfg(feature = "store")] IntentPostponed = "intent_postponed", Reason, "the intent `{id}` failed {attempts} times; it is ready again at {ready_at}", "意图 `{id}` 已失败 {attempts} 次；将于 {ready_at} 再次就绪";
    #[cfg(feature = "store")] IntentFailed = "intent_failed", Reason, "the intent `{id}` failed {attempts} times and is given up; `intents.retry` makes it ready again", "意图 `{id}` 已失败 {attempts} 次，不再重试；可用 `intents.retry` 使其再次就绪";
    #[cfg(feature = "store")] IntentReady = "intent_ready", Reason, "the intent `{id}` is ready again", "意图 `{id}` 再次就绪";

    // People.
    #[cfg(feature = "store")] UserPresent = "user_present", Reason, "`{user}` is there on {date}", "`{user}` 在 {date} 在岗";
    #[cfg(feature = "store")] UserAbsent = "user_absent", Reason, "`{user}` is absent from {from} to {to}", "`{user}` 于 {from} 至 {to} 缺席";
    #[cfg(feature = "store")] UserInactive = "user_inactive", Reason, "`{user}` does not work here any more", "`{user}` 已离职";
    #[cfg(feature = "store")] UserUnknown = "user_unknown", Reason, "there is no user `{user}`", "没有用户 `{user}`";
    #[cfg(feature = "store")] SubstituteAsked = "substitute_asked", Reason, "`{user}` is the substitute of `{of}`", "`{user}` 是 `{of}` 的代理人";
    #[cfg(feature = "store")] ManagerAsked = "manager_asked", Reason, "`{user}` is the manager of `{of}`", "`{user}` 是 `{of}` 的上级";
    #[cfg(feature = "store")] AskedAlready = "asked_already", Reason, "`{user}` was asked already: the circle ends here", "`{user}` 已询问过：循环到此为止";
    #[cfg(feature = "store")] NobodyStandsIn = "nobody_stands_in", Reason, "nobody stands in for `{user}`: name a substitute or a manager", "无人代理 `{user}`：请指定代理人或上级";

    // Pipeline moves.
    #[cfg(feature = "store")] RequirementsNotMet = "requirements_not_met", InvalidTransition, "`{id}` cannot move to `{stage}` yet: fill in {missing}", "`{id}` 还不能移到 `{stage}`：请填写 {missing}";
    #[cfg(feature = "store")] MoveNotAllowed = "move_not_allowed", InvalidTransition, "no move leads from `{from}` to `{to}`: allowed are {allowed}", "不允许从 `{from}` 移到 `{to}`：允许的有 {allowed}";
    #[cfg(feature = "store")] AlreadyInStage = "already_in_stage", InvalidTransition, "`{id}` is in the stage `{stage}` already: name another one", "`{id}` 已在阶段 `{stage}`：请指定其他阶段";
    #[cfg(feature = "store")] AlreadyClosed = "already_closed", InvalidTransition, "`{id}` is {status}: reopen it first", "`{id}` 已是 {status}：请先重新打开";
    #[cfg(feature = "store")] NotClosed = "not_closed", InvalidTransition, "`{id}` is open: only a won or lost one can be reopened", "`{id}` 仍在进行中：只有赢单或输单可以重新打开";
    #[cfg(feature = "store")] WrongStageKind = "wrong_stage_kind", InvalidTransition, "the stage `{stage}` is of kind `{kind}`: use `opportunities.{verb}`", "阶段 `{stage}` 的类型是 `{kind}`：请使用 `opportunities.{verb}`";
    #[cfg(feature = "store")] UnknownLostReason = "unknown_lost_reason", Validation, "`{reason}` is not a lost reason of the configuration: {hint}", "`{reason}` 不是配置中的输单原因：{hint}";

    // The store and the protocols around it.
    #[cfg(feature = "store")] StorageFailed = "storage_failed", Storage, "the store failed: {reason}", "存储失败：{reason}";
    StorageLocked = "storage_locked", Storage, "the database is locked by another process: try again, or close the other one", "数据库被其他进程锁定：请重试，或关闭另一进程";
    #[cfg(feature = "store")] StorageUnavailable = "storage_unavailable", Storage, "the database cannot be opened: {reason}", "无法打开数据库：{reason}";
    #[cfg(feature = "store")] StoreFromNewerEngine = "store_from_newer_engine", Storage, "the database has layout {found}, this engine knows up to {known}: upgrade the engine", "数据库布局为 {found}，本引擎最多支持 {known}：请升级引擎";
    #[cfg(feature = "store")] UnsupportedChange = "unsupported_change", Unsupported, "this store does not execute `{part}` yet: leave it out or use another store", "此存储尚不支持 `{part}`：请省略或换用其他存储";
    #[cfg(feature = "store")] OutsideTransaction = "outside_transaction", Unsupported, "no transaction is open on the connection: begin one, run the operation in it, then commit", "连接上没有打开的事务：请先开始事务，在其中执行操作，然后提交";
    #[cfg(feature = "store")] UnsupportedUrl = "unsupported_url", Unsupported, "no store is known for `{url}`: {hint}", "没有适用于 `{url}` 的存储：{hint}";
    NeedsStore = "needs_store", Unsupported, "`{op}` reads or writes records: call it on an opened engine, or use `decide`", "`{op}` 需要读写记录：请在已打开的引擎上调用，或使用 `decide`";
    #[cfg(feature = "store")] CommitsByItself = "commits_by_itself", Unsupported, "`{op}` works on the store in commits of its own: call it on an opened engine, by itself or in a batch with `atomic` false", "`{op}` 直接操作存储并自行提交：请在已打开的引擎上单独调用，或放入 `atomic` 为 `false` 的批处理";
    NotInThisBuild = "not_in_this_build", Unsupported, "`{op}` is not part of this build: load the `{build}` build", "`{op}` 不在此构建中：请加载 `{build}` 构建";
    UnknownEngine = "unknown_engine", Validation, "this engine is closed, or was opened elsewhere: open it again", "此引擎已关闭，或是在别处打开的：请重新打开";
    #[cfg(feature = "store")] UnknownHandle = "unknown_handle", Validation, "there is no running operation {handle}: it has ended or was aborted, begin again", "没有进行中的操作 {handle}：已结束或被中止，请重新开始";
    TooManyHandles = "too_many_handles", Limit, "{limit} operations are running already: resume or abort some first", "已有 {limit} 个操作在进行：请先继续或中止一些";
    #[cfg(feature = "store")] InvalidAnswer = "invalid_answer", Validation, "the answer to need {id} cannot be used: {reason}", "对需求 {id} 的回答无法使用：{reason}";
    #[cfg(feature = "store")] ForeignAwait = "foreign_await", Internal, "the operation waits for something that is not a need: use a repository whose futures complete", "操作在等待非需求的对象：请使用能完成的存储";
    InternalError = "internal_error", Internal, "the engine met a defect: {reason}; please report it", "引擎遇到缺陷：{reason}；请报告";
    #[cfg(feature = "store")] EngineCrashed = "engine_crashed", Internal, "the engine crashed and was rebuilt: repeat the request", "引擎崩溃并已重建：请重复请求";

    // Facts of `decide`.
    #[cfg(feature = "store")] DuplicateFact = "duplicate_fact", Validation, "the fact {kind} `{id}` is given twice: keep one", "事实 {kind} `{id}` 给出两次：请只保留一个";
    #[cfg(feature = "store")] UnknownFactKind = "unknown_fact_kind", Validation, "there is no kind `{kind}`: {hint}", "没有类型 `{kind}`：{hint}";
    #[cfg(feature = "store")] FactOutsideQuery = "fact_outside_query", Validation, "the {kind} `{id}` does not match the query it answers: give only records that match", "{kind} `{id}` 不符合所回答的查询：请只给符合的记录";
    #[cfg(feature = "store")] CorruptFact = "corrupt_fact", Validation, "the fact {kind} `{id}` cannot be read: {reason}", "无法读取事实 {kind} `{id}`：{reason}";
    #[cfg(feature = "store")] InvalidFacts = "invalid_facts", Validation, "the facts cannot be read: {reason}", "无法读取事实：{reason}";
    #[cfg(feature = "store")] UnknownFactField = "unknown_fact_field", Reason, "the field `{field}` of the fact {kind} `{id}` is not read: {hint}", "事实 {kind} `{id}` 的字段 `{field}` 未被读取：{hint}";
    #[cfg(feature = "store")] UnusedFact = "unused_fact", Reason, "the fact {kind} `{id}` was not used", "事实 {kind} `{id}` 未被使用";

    // Reasons of pricing.
    #[cfg(feature = "store")] PriceFound = "price_found", Reason, "`{product}` costs {unit_price} {currency} in the price book {price_book}", "`{product}` 在价目表 {price_book} 中的价格为 {unit_price} {currency}";
    LineAmount = "line_amount", Reason, "{quantity} x {unit_price} = {amount}", "{quantity} × {unit_price} = {amount}";
    LineDiscount = "line_discount", Reason, "line discount of {percent} %: {before} becomes {after}", "行折扣 {percent}%：{before} 变为 {after}";
    DocumentDiscount = "document_discount", Reason, "document discount of {percent} % on {before}: {amount}", "整单折扣 {percent}%，基数 {before}：{amount}";
    DocumentDiscountShare = "document_discount_share", Reason, "share of the document discount: {before} becomes {after}", "整单折扣分摊：{before} 变为 {after}";
    LineTax = "line_tax", Reason, "tax of {percent} % on {base}: {amount}", "税率 {percent}%，税基 {base}：{amount}";
    TaxGroup = "tax_group", Reason, "tax of {percent} % on {base} of the document: {amount}", "整单税率 {percent}%，税基 {base}：{amount}";
    LineTotal = "line_total", Reason, "line `{line}`: {net} net, {tax} tax, {total} in all", "行 `{line}`：净额 {net}，税额 {tax}，合计 {total}";
    QuoteTotal = "quote_total", Reason, "total {total} {currency}: {net} net and {tax} tax", "总计 {total} {currency}：净额 {net}，税额 {tax}";
    RoundedTo = "rounded_to", Reason, "{exact} is rounded to {rounded} ({mode}, increment {increment})", "{exact} 舍入为 {rounded}（{mode}，单位 {increment}）";

    // Reasons of records and moves.
    #[cfg(feature = "store")] RecordCreated = "record_created", Reason, "{kind} `{id}` is created", "创建了 {kind} `{id}`";
    #[cfg(feature = "store")] RecordUpdated = "record_updated", Reason, "{kind} `{id}` is changed in {fields}", "更改了 {kind} `{id}` 的 {fields}";
    #[cfg(feature = "store")] NothingChanged = "nothing_changed", Reason, "{kind} `{id}` already has these values", "{kind} `{id}` 已是这些值";
    #[cfg(feature = "store")] StageMoved = "stage_moved", Reason, "`{id}` moves from `{from}` to `{to}`", "`{id}` 从 `{from}` 移到 `{to}`";
    #[cfg(feature = "store")] OpportunityWon = "opportunity_won", Reason, "`{id}` is won", "`{id}` 赢单";
    #[cfg(feature = "store")] OpportunityLost = "opportunity_lost", Reason, "`{id}` is lost: {reason}", "`{id}` 输单：{reason}";
    #[cfg(feature = "store")] OpportunityReopened = "opportunity_reopened", Reason, "`{id}` is reopened in `{to}`", "`{id}` 在 `{to}` 重新打开";
    #[cfg(feature = "store")] ProbabilityFromStage = "probability_from_stage", Reason, "the probability {probability} % is that of the stage `{stage}`", "概率 {probability}% 取自阶段 `{stage}`";
    #[cfg(feature = "store")] RequirementMet = "requirement_met", Reason, "`{field}` is filled in", "`{field}` 已填写";
    #[cfg(feature = "store")] RequirementMissing = "requirement_missing", Reason, "`{field}` is missing", "缺少 `{field}`";
    #[cfg(feature = "store")] MoveAllowed = "move_allowed", Reason, "the pipeline allows the move from `{from}` to `{to}`", "管道允许从 `{from}` 移到 `{to}`";

    // Definitions of figures.
    #[cfg(feature = "store")] FunnelDefinition = "funnel_definition", Reason, "entered: opportunities that were ever in the stage; converted: those of them that later reached a stage further on, or were won; conversion: converted / entered", "进入：曾处于该阶段的商机；转化：其中之后到达更后阶段或赢单者；转化率：转化 / 进入";
    #[cfg(feature = "store")] FunnelSnapshotDefinition = "funnel_snapshot_definition", Reason, "a snapshot without stage history: how many opportunities stand in each stage now; it cannot know who passed through, conversion or time in stage", "没有阶段历史的快照：各阶段当前的商机数；无法得知曾经过者、转化率和停留时间";
    #[cfg(feature = "store")] WinRateDefinition = "win_rate_definition", Reason, "won / (won + lost) of the closed opportunities; open ones do not count", "赢单 / （赢单 + 输单），只计已关闭的商机；进行中的不计";
    #[cfg(feature = "store")] WonValueDefinition = "won_value_definition", Reason, "the sum of the amounts of won opportunities by their close date, each currency by itself", "赢单商机金额按关闭日期求和，各货币分别计算";
    #[cfg(feature = "store")] CycleTimeDefinition = "cycle_time_definition", Reason, "days from the start to the close of closed opportunities", "已关闭商机从开始到关闭的天数";
    #[cfg(feature = "store")] ForecastDefinition = "forecast_definition", Reason, "amount x probability of the open opportunities in the month of their expected close; overdue, later and undated ones stand apart, and all buckets add up to the total", "进行中商机的 金额 × 概率，按预计关闭月份汇总；逾期、更晚和无日期者单列，各栏之和等于总计";
    #[cfg(feature = "store")] ImputedClose = "imputed_close", Reason, "{count} expected closes are imputed: the start plus {days} days, the median cycle of the won opportunities", "{count} 个预计关闭日期为推定：起始日期加 {days} 天，即赢单商机的周期中位数";
    #[cfg(feature = "store")] ImputedAmount = "imputed_amount", Reason, "{count} amounts are imputed: the list price of the product", "{count} 个金额为推定：产品的目录价";
    #[cfg(feature = "store")] ImputedStart = "imputed_start", Reason, "{count} start dates are imputed: {date}", "{count} 个起始日期为推定：{date}";
    #[cfg(feature = "store")] ProbabilityFromStages = "probability_from_stages", Reason, "{count} probabilities are those of the stage", "{count} 个概率取自阶段";
    #[cfg(feature = "store")] ProbabilityFromWinRate = "probability_from_win_rate", Reason, "{count} probabilities are won / (won + lost) of the product's closed opportunities, of all where it has none", "{count} 个概率取自该产品已关闭商机的 赢单 /（赢单 + 输单）；没有时取全部";
    #[cfg(feature = "store")] LeftOutWithoutClose = "left_out_without_close", Reason, "{count} opportunities are left out: the day of closing is not known", "{count} 个商机未计入：关闭日期未知";
    #[cfg(feature = "store")] LeftOutWithoutDates = "left_out_without_dates", Reason, "{count} opportunities are left out: the start or the day of closing is not known", "{count} 个商机未计入：起始或关闭日期未知";
    #[cfg(feature = "store")] LeftOutUnknownStage = "left_out_unknown_stage", Reason, "{count} opportunities are left out: the pipeline does not have their stage", "{count} 个商机未计入：管道中没有其阶段";
    #[cfg(feature = "store")] LeftOutOtherStages = "left_out_other_stages", Reason, "{count} opportunities are left out: they are in other stages", "{count} 个商机未计入：处于其他阶段";
    #[cfg(feature = "store")] CountedWithoutHistory = "counted_without_history", Reason, "{count} opportunities have no stage history: only their present stage is counted", "{count} 个商机没有阶段历史：只计其当前阶段";
    #[cfg(feature = "store")] UnknownHistoryStage = "unknown_history_stage", Reason, "{count} entries of stage histories name a stage that the pipeline does not have: they are not counted", "{count} 条阶段历史所记阶段不在管道中：不计入";

    #[cfg(feature = "store")] DatesReversed = "dates_reversed", Validation, "`{from}` is after `{to}`: swap them", "`{from}` 晚于 `{to}`：请对调";

    // Frames.
    #[cfg(feature = "store")] MissingColumn = "missing_column", Validation, "the frame has no column for `{field}`: name it in `columns`", "数据框没有对应 `{field}` 的列：请在 `columns` 中指明";
    #[cfg(feature = "store")] UnnamedStage = "unnamed_stage", Validation, "the frame has rows in the stage `{stage}`, which `stages` does not name: add it with its kind", "数据框有处于阶段 `{stage}` 的行，而 `stages` 未列出：请连同类型一起添加";
    #[cfg(feature = "store")] StageWithoutProbability = "stage_without_probability", Validation, "the open stage `{stage}` has no probability, which the policy `stage` takes: give it in `stages`, or choose another policy", "进行中阶段 `{stage}` 没有概率，而策略 `stage` 要用到它：请在 `stages` 中给出，或选择其他策略";
    #[cfg(feature = "store")] MissingCurrency = "missing_currency", Validation, "the amounts have no currency: name its column in `columns`, or set `currency`", "金额没有币种：请在 `columns` 中指明币种列，或设置 `currency`";
    #[cfg(feature = "store")] UnknownColumn = "unknown_column", Validation, "the frame has no column `{column}`: {hint}", "数据框没有列 `{column}`：{hint}";
    #[cfg(feature = "store")] UnreadableColumn = "unreadable_column", Validation, "the column `{column}` has the type {type}, which cannot be read as {expected}: convert it", "列 `{column}` 的类型为 {type}，无法读作 {expected}：请转换";

    // Hints: what an error proposes.
    DidYouMean = "did_you_mean", Reason, "did you mean `{near}`?", "您是否想写 `{near}`？";
    KnownAre = "known_are", Reason, "known are {known}", "已知的有 {known}";
    NoneKnown = "none_known", Reason, "there are none", "目前没有";
    ChooseListed = "choose_listed", Reason, "choose one of them", "请从中选择";
    RemoveField = "remove_field", Reason, "remove it", "请删除";
    #[cfg(feature = "store")] NameBesideEach = "name_beside_each", Reason, "name it beside each operation of the batch", "请写在批处理的各个操作旁";
    SeeDescribe = "see_describe", Reason, "`describe` lists the operations", "`describe` 会列出所有操作";
    #[cfg(feature = "store")] FrameAnswers = "frame_answers", Reason, "a frame answers {known}", "数据框可回答 {known}";
    #[cfg(feature = "store")] UseHeader = "use_header", Reason, "use one of its headers", "请使用它的列名";
    WriteValue = "write_value", Reason, "write `{value}`", "请写成 `{value}`";
    WriteCurrencyCode = "write_currency_code", Reason, "use a three-letter code such as `USD`", "请使用三个字母的代码，例如 `USD`";
    #[cfg(feature = "store")] IndexesFromZero = "indexes_from_zero", Reason, "a kind has at most {limit} indexes, counted from 0", "一个类型最多有 {limit} 个索引，从 0 计数";
    #[cfg(feature = "store")] KindLetters = "kind_letters", Reason, "a kind is written in lower-case letters, digits and `_`", "类型用小写字母、数字和 `_` 书写";
    #[cfg(feature = "store")] WriteScheme = "write_scheme", Reason, "write `sqlite:` and a path", "请写 `sqlite:` 加路径";
    #[cfg(feature = "store")] NameFile = "name_file", Reason, "name a file, such as `sqlite:deals.db`", "请指明文件，例如 `sqlite:deals.db`";
    #[cfg(feature = "store")] NoZeroCharacter = "no_zero_character", Reason, "leave out the character of code zero", "请去掉编码为零的字符";
    #[cfg(feature = "store")] UseMemoryStore = "use_memory_store", Reason, "use the engine's own memory store", "请使用引擎自带的内存存储";
    #[cfg(feature = "store")] NoUrlOptions = "no_url_options", Reason, "leave out what follows `?`; options are given beside the address", "请去掉 `?` 之后的部分；选项请与地址分开给出";
    #[cfg(feature = "store")] OpensNoFiles = "opens_no_files", Reason, "this build opens no files: use `Crm.inMemory()` or `new Crm` with a `repository`", "此构建不能打开文件：请使用内存存储 `Crm.inMemory()`，或带 `repository` 的 `new Crm`";

    ZoneForms = "zone_forms", Reason, "use `UTC`, an offset such as `+08:00`, or an IANA name such as `Asia/Shanghai`", "请用 `UTC`、偏移量如 `+08:00`，或 IANA 名称如 `Asia/Shanghai`";
    #[cfg(feature = "store")] KnownSchemes = "known_schemes", Reason, "the known scheme is `sqlite:`; a file whose name has a colon is written `sqlite:` and its path", "已知的协议是 `sqlite:`；文件名含冒号时，请写 `sqlite:` 加路径";

    // What lies behind an error.
    #[cfg(feature = "store")] TextVersion = "text_version", Reason, "the {kind} `{id}` has a text as its version, with which `expect_version` cannot be compared; leave `expect_version` out and compare the text where the changes are carried out", "{kind} `{id}` 的版本是文本，无法与 `expect_version` 比较；请省略 `expect_version`，在执行更改处比较该文本";
    #[cfg(feature = "store")] SaidNothing = "said_nothing", Reason, "its error has neither a code nor a message; have the store say what failed", "其错误既无代码也无说明；请让存储说明失败原因";
    #[cfg(feature = "store")] NotAnswered = "not_answered", Reason, "what was given does not answer {asked}", "所给内容没有回答 {asked}";
    #[cfg(feature = "store")] FieldsSuchAs = "fields_such_as", Reason, "an object of fields, such as {example}", "由字段组成的对象，例如 {example}";
    #[cfg(feature = "store")] ListSuchAs = "list_such_as", Reason, "a list of {example}", "{example} 的列表";
    JsonSyntax = "json_syntax", Reason, "{syntax} at line {line} column {column}", "第 {line} 行第 {column} 列：{syntax}";
    AnotherForm = "another_form", Reason, "a value has another form than the reference says; compare the two", "某个值的形式与参考文档不符；请对照修改";
    NoWeights = "no_weights", Reason, "give at least one", "请至少给出一个";
    WeightBelowZero = "weight_below_zero", Reason, "one is below zero, use zero or more", "其中一个小于零，请用零或正数";
    WeightsAllZero = "weights_all_zero", Reason, "all are zero, make one positive", "全部为零，请至少有一个为正";
    #[cfg(feature = "store")] SayComplete = "say_complete", Reason, "the answer to a need says `complete: true`", "对需求的回答须写明 `complete: true`";
    #[cfg(feature = "store")] NeedAnsweredTwice = "need_answered_twice", Reason, "a need is answered twice: keep one answer", "同一需求回答了两次：请只保留一个";
    #[cfg(feature = "store")] BodyOrAbsent = "body_or_absent", Reason, "either `body` or `absent: true` is expected", "应给出 `body` 或 `absent: true`";
    #[cfg(feature = "store")] VersionForm = "version_form", Reason, "`version` is an integer or a text of at most 64 characters", "`version` 应为整数，或最多 64 个字符的文本";
    #[cfg(feature = "store")] OtherId = "other_id", Reason, "its body has another id, `{other}`", "其内容中的编号是另一个：`{other}`";
    #[cfg(feature = "store")] NeedNotOpen = "need_not_open", Reason, "no such need is open", "没有这样的待答需求";
    #[cfg(feature = "store")] RecordEachKey = "record_each_key", Reason, "one record or null a key is expected, in the keys' order", "应按键的顺序，为每个键给出一条记录或 `null`";
    #[cfg(feature = "store")] OutsideQuery = "outside_query", Reason, "the {kind} `{id}` does not match the query", "{kind} `{id}` 不符合查询";
    #[cfg(feature = "store")] OkOrError = "ok_or_error", Reason, "either `ok` or `error` is expected", "应给出 `ok` 或 `error`";
    #[cfg(feature = "store")] StatementResult = "statement_result", Reason, "one result a statement is expected, `rows` for a question and `changed` for a command, up to the first whose expectation does not hold", "应按语句给出结果，查询为 `rows`，命令为 `changed`，直到第一个不符合预期的语句为止";
    StoreBegins = "store_begins", Reason, "only `begin` takes it, from a caller that is the store", "只有调用方自身作为存储时，`begin` 才接受它";
    #[cfg(feature = "store")] AnswerEveryNeed = "answer_every_need", Reason, "every open need is answered at once", "须一次回答所有待答需求";
    #[cfg(feature = "store")] RowNotWritten = "row_not_written", Reason, "a row was not written; repeat the request", "有一行未写入；请重复请求";
    #[cfg(feature = "store")] DiskFull = "disk_full", Reason, "the disk is full; free some space and repeat", "磁盘已满；请腾出空间后重试";
    #[cfg(feature = "store")] FileNotWritable = "file_not_writable", Reason, "the file may not be written; give this process the right to", "文件不可写；请给予此进程写权限";
    #[cfg(feature = "store")] FileDamaged = "file_damaged", Reason, "the file is damaged; restore it from a backup", "文件已损坏；请从备份恢复";
    #[cfg(feature = "store")] FileAccessFailed = "file_access_failed", Reason, "reading or writing the file failed; check the disk and whether the file is still there", "读写文件失败；请检查磁盘以及文件是否仍在";
    #[cfg(feature = "store")] DatabaseSaid = "database_said", Reason, "{said}; if it comes again, please report it", "{said}；如再次出现，请报告";
    #[cfg(feature = "store")] NotDatabaseFile = "not_database_file", Reason, "`{file}` is not an SQLite file; name another file", "`{file}` 不是 SQLite 文件；请指明其他文件";
    #[cfg(feature = "store")] NotStoreFile = "not_store_file", Reason, "`{file}` is not a store of this engine; name another file", "`{file}` 不是本引擎的存储文件；请指明其他文件";
    #[cfg(feature = "store")] NamedFileDamaged = "named_file_damaged", Reason, "`{file}` is damaged; restore it from a backup", "`{file}` 已损坏；请从备份恢复";
    #[cfg(feature = "store")] FileIsFolder = "file_is_folder", Reason, "`{file}` is a folder; name a file in it", "`{file}` 是文件夹；请指明其中的文件";
    #[cfg(feature = "store")] FolderMissing = "folder_missing", Reason, "the folder `{folder}` does not exist; make it first", "文件夹 `{folder}` 不存在；请先创建";
    #[cfg(feature = "store")] FileNotAllowed = "file_not_allowed", Reason, "`{file}` may not be read and written; give this process the right to, also in its folder", "`{file}` 不可读写；请给予此进程权限，包括其所在文件夹";
    #[cfg(feature = "store")] FileReadOnly = "file_read_only", Reason, "`{file}` may not be written; give this process the right to", "`{file}` 不可写；请给予此进程写权限";
    #[cfg(feature = "store")] FileNotShared = "file_not_shared", Reason, "the file system of `{file}` cannot share memory; use a local disk", "`{file}` 所在的文件系统不能共享内存；请使用本地磁盘";
    #[cfg(feature = "store")] OpenedBeforeFork = "opened_before_fork", Reason, "it was opened before this process was forked; open it again here", "它是在此进程派生之前打开的；请在此重新打开";
    #[cfg(feature = "store")] FileGone = "file_gone", Reason, "`{file}` was moved, deleted or replaced since it was opened; open it again", "`{file}` 打开之后被移动、删除或替换；请重新打开";
    #[cfg(feature = "store")] FileExists = "file_exists", Reason, "`{file}` exists already; name a new file", "`{file}` 已存在；请指明新文件";
    #[cfg(feature = "store")] FileNameNotText = "file_name_not_text", Reason, "`{file}` is not a name in UTF-8; name another file", "`{file}` 不是 UTF-8 文件名；请指明其他文件";
    #[cfg(feature = "store")] FileNotCreated = "file_not_created", Reason, "`{file}` cannot be written; check that its folder exists and may be written", "`{file}` 无法写入；请检查其文件夹存在且可写";
    #[cfg(feature = "store")] FileNotSynced = "file_not_synced", Reason, "`{file}` could not be brought to the disk; repeat", "`{file}` 无法写到磁盘；请重试";
    #[cfg(feature = "store")] TablesForeign = "tables_foreign", Reason, "`{file}` has tables of the engine's names that are not the engine's, or of an older layout; name another file", "`{file}` 中的表与引擎的表同名，但并非引擎所建，或为旧布局；请指明其他文件";
    #[cfg(feature = "store")] PostgresAddress = "postgres_address", Reason, "write `postgres://USER:PASSWORD@HOST:PORT/DATABASE`", "请写成 `postgres://用户:密码@主机:端口/数据库`";
    #[cfg(feature = "store")] ServerNotReached = "server_not_reached", Reason, "the server does not answer; check its address and that it runs", "服务器没有应答；请检查其地址以及是否在运行";
    #[cfg(feature = "store")] NoConnectionFree = "no_connection_free", Reason, "no connection became free in time; repeat, or allow more connections", "未能及时得到空闲连接；请重试，或增加连接数";
    #[cfg(feature = "store")] ConnectionLost = "connection_lost", Reason, "the connection to the database was lost, nothing is written; repeat the request", "与数据库的连接已中断，未写入任何内容；请重复请求";
    #[cfg(feature = "store")] CommitUnknown = "commit_unknown", Reason, "the connection was lost while committing: all is written or nothing; repeat the request with the same idempotency key, or without one look first", "提交时连接中断：要么全部写入，要么全未写入；请用同一幂等键重复请求，没有幂等键时请先查看";
    #[cfg(feature = "store")] TransactionsCrossed = "transactions_crossed", Reason, "other transactions changed the same records at the same time; repeat the request", "其他事务同时更改了相同的记录；请重复请求";
    #[cfg(feature = "store")] BeginTransaction = "begin_transaction", Reason, "no transaction is open; begin one first", "没有打开的事务；请先开始一个";
    #[cfg(feature = "store")] TransactionFailed = "transaction_failed", Reason, "an earlier statement of this transaction failed; roll it back", "此事务中较早的语句已失败；请回滚";
    #[cfg(feature = "store")] TransactionOver = "transaction_over", Reason, "the transaction is over; use its repository only inside it", "事务已结束；其存储只能在事务之内使用";
}
