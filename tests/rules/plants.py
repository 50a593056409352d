"""The plants: each must make a row fail in one of the tables named beside it, and every row must fail under one."""

from tests.rules.planted import Code, Rule

RULES = (
    Rule("sign.limit.amount = 3", ("art-07", "art-06")),
    Rule("sign.limit.unit = hours", ("art-07",)),
    Rule("sign.wall_clock_limit.amount = 3", ("art-07",)),
    Rule("sign.deemed = no", ("art-07",)),
    Rule("return.window.amount = 25", ("art-07",)),
    Rule("return.window.unit = working_hours", ("art-07",)),
    Rule("return.moves_to = 10:01", ("art-07",)),
    Rule("return.max_returns = 3", ("art-07",)),
    Rule("return.max_returns = 1", ("art-07",)),
    Rule("return.adjudicate.amount = 2", ("art-07",)),
    Rule("kinds.consultation.handle.amount = 2", ("art-08",)),
    Rule("kinds.help.handle.amount = 4", ("art-08",)),
    Rule("kinds.suggestion.handle.amount = 4", ("art-08",)),
    Rule("kinds.complaint.handle.amount = 16", ("art-08",)),
    Rule("kinds.report.handle.amount = 14", ("art-08",)),
    Rule("kinds.enforcement.handle.amount = 16", ("art-08",)),
    Rule("kinds.consultation.extension.total.amount = 4", ("art-08",)),
    Rule("kinds.consultation.extension.max_count = 2", ("art-08",)),
    Rule("kinds.help.extension.total.amount = 8", ("art-08",)),
    Rule("kinds.help.extension.max_count = 2", ("art-08",)),
    Rule("kinds.complaint.extension.each.amount = 11", ("art-08",)),
    Rule("kinds.complaint.extension.max_count = 1", ("art-08",)),
    Rule("kinds.report.extension.max_count = 3", ("art-08",)),
    Rule("kinds.complaint.immediate = no", ("art-06",)),
    Rule("kinds.report.immediate = no", ("art-06",)),
    Rule("kinds.enforcement.immediate = no", ("art-06",)),
    Rule("kinds.complaint.sign_wall_clock = no", ("art-07",)),
    Rule("kinds.help.sign_wall_clock = yes", ("art-07",)),
    Rule("dispatch.out_by = 10:01", ("art-06",)),
    Rule("dispatch.hold_off_hours = no", ("art-06",)),
    Rule("upstream_buffer.amount = 3", ("art-04",)),
    Rule("day_end = same_time", ("art-08",)),
    Rule("day_end = midnight", ("art-08",)),
    Rule("revisit.rating_window.amount = 6", ("art-09",)),
    Rule("revisit.contact_attempts = 4", ("art-09",)),
    Rule("revisit.contact_attempts = 2", ("art-09",)),
    Rule("revisit.max_redo_rounds = 3", ("art-09",)),
    Rule("revisit.max_redo_rounds = 1", ("art-09",)),
    Rule("revisit.judge.amount = 2", ("art-09",)),
    Rule("revisit.explain.amount = 2", ("art-09",)),
    Rule("revisit.reopen_window.amount = 14", ("art-09",)),
    Rule("reminders.quiet_outside_hours = no", ("art-10",)),
    Rule("reminders.ladder.0.percent = 51", ("art-10",)),
    Rule("reminders.ladder.1.percent = 79", ("art-10",)),
    Rule("reminders.ladder.2.working_seconds_before = 7260", ("art-10",)),
    Rule("reminders.ladder.2.channel = written", ("art-10",)),
    Rule("reminders.ladder.3.to_head = no", ("art-10",)),
)
"""Another rulebook."""

DEADLINES, CALENDAR, DAYS = (f"services.core.{name}" for name in ("deadlines", "calendar", "calendar_days"))
LIFE = "services.core.lifecycle"

CODE = (
    # ------------------------------------------------------------ the calendar and its arithmetic
    Code(
        f"{DAYS}:named_days", "named.update(dict.fromkeys(notice.workdays, adjusted))", "pass", ("calendar", "art-06")
    ),
    Code(f"{DAYS}:named_days", "named.update(dict.fromkeys(holiday.days(), reason))", "pass", ("calendar", "art-08")),
    Code(f"{DAYS}:ordinary_day", "day.weekday() < 5", "day.weekday() >= 5", ("calendar", "art-06")),
    Code(
        f"{DAYS}:open_windows", "rule.windows\n", "[(rule.windows[0][0], rule.windows[-1][1])]\n", ("art-07", "art-10")
    ),
    Code("services.core.calendar_history:_as_known", "notice.known(zone) <= instant", "True", ("calendar",)),
    Code("services.core.calendar_history:CalendarHistory.at", "bisect_right", "bisect_left", ("calendar",)),
    Code(f"{CALENDAR}:WorkCalendar.covers", "<= self.known_until", "< self.known_until", ("art-08",)),
    Code(f"{CALENDAR}:WorkCalendar.add_working_time", "bisect_left(self._sums", "bisect_right(self._sums", ("art-07",)),
    Code(f"{DEADLINES}:due", "limit.amount)\n    match", "limit.amount + 1)\n    match", ("art-08", "calendar")),
    Code(f"{DEADLINES}:due", "timedelta(hours=limit.amount)", "timedelta(hours=limit.amount, seconds=1)", ("art-07",)),
    Code(f"{DEADLINES}:not_on_day_off", "if calendar.is_working_day(day):", "if True:", ("art-07",)),
    Code(f"{DEADLINES}:dispatch_by", "return calendar.close_of(_local_date(at, calendar))", "pass", ("art-06",)),
    Code(f"{DEADLINES}:in_office_day", "<= at < calendar", "< at < calendar", ("art-06",)),
    Code(f"{DEADLINES}:in_office_day", "<= at < calendar", "<= at <= calendar", ("art-06",)),
    Code(
        f"{DEADLINES}:in_office_day", "calendar.opening_of(day) <= at <", "calendar.is_open(at) and at <", ("art-06",)
    ),
    Code(f"{DEADLINES}:in_office_day", "return calendar", "return False and calendar", ("art-06",)),
    # ------------------------------------------------------------ one second either side
    Code("services.core.clocks:stop", "at <= clock.due_at", "at < clock.due_at", ("art-07",)),
    Code(f"{LIFE}.verdicts:settle", "met_at > clock.due_at", "met_at >= clock.due_at", ("art-07", "art-08")),
    Code(f"{LIFE}.verdicts:settle", "met_at <= found.due_at", "met_at < found.due_at", ("art-08", "art-09")),
    Code(f"{LIFE}.handling:sign_ticket", "command.time <= missed.due_at", "command.time < missed.due_at", ("art-07",)),
    Code(f"{LIFE}.dispatching:request_return", "command.time > ticket", "command.time >= ticket", ("art-07",)),
    Code(f"{LIFE}.handling:request_extension", "command.time > clock", "command.time >= clock", ("art-08",)),
    Code(f"{LIFE}.closing:submit_rating", "command.time > window", "command.time >= window", ("art-09",)),
    Code(f"{LIFE}.dispatching:reopen_ticket", "command.time > due(", "command.time >= due(", ("art-09",)),
    # ------------------------------------------------------------ limits
    Code("services.core.clocks:handling_clock", "min(due_at, handed", "max(due_at, handed", ("art-04",)),
    Code("services.core.clocks:handling_clock", "override.working_days is not None", "False", ("art-04",)),
    Code("services.core.clocks:handling_clock", "override.due_at is not None", "False", ("art-04",)),
    Code("services.core.clocks:_marks", "if start < at < due_at", "if start < at <= due_at and False", ("art-10",)),
    Code(f"{LIFE}.dispatching:dispatch", "if ticket.dispatched_at is None", "if True", ("art-07", "art-08")),
    Code(f"{LIFE}.handling:extended", "start = clock.due_at if", "start = clock.started_at if", ("art-08",)),
    Code(f"{LIFE}.handling:extended", "if mark.at > d.command.time", "", ("art-08",)),
    Code(f"{LIFE}.handling:request_extension", "ticket.extension_asked_at is not None", "False", ("art-08",)),
    Code(f"{LIFE}.handling:decide_extension", "if not command.granted", "if False", ("art-08",)),
    Code(
        f"{LIFE}.dispatching:decide_return", "d = settle(d, dispute.started_at, ClockKind.HANDLE)", "pass", ("art-07",)
    ),
    Code(
        f"{LIFE}.dispatching:decide_return", "command.unit or ticket.proposed_unit", "ticket.proposed_unit", ("art-07",)
    ),
    Code("services.core.policy:Policies.at", "bisect_right", "bisect_left", ("art-18",)),
    Code("services.core.policy:Policies.at", "if index < 0", "if index < -1", ("art-18",)),
    Code("services.core.policy:Policies.governing", "and later.rulebook.applies_to_running", "", ("art-18",)),
    Code("services.core.policy:Policies.governing", "self.at(started_at)", "self.at(instant)", ("art-18",)),
    # ------------------------------------------------------------ who may say what, and when
    Code(f"{LIFE}.actors:from_unit", "command.actor.id != ticket.unit", "False", ("art-05", "art-07")),
    Code(f"{LIFE}.actors:from_unit", "if ticket.stage in stages", "if True", ("art-07",)),
    Code(f"{LIFE}.actors:from_role", "d.command.actor.role not in roles", "False", ("art-06", "art-09")),
    Code(f"{LIFE}.actors:from_role", "if d.known.stage in stages", "if True", ("art-02", "art-09")),
    Code(f"{LIFE}.actors:while_open", "command.actor.role is Role.UNIT", "False", ("art-09", "art-10")),
    Code(f"{LIFE}.actors:while_open", "if d.known.stage in OPEN_STAGES", "if True", ("art-02", "art-09")),
    Code("services.router.service:handle", "event.id in state.decided", "False", ("art-07", "art-08")),
    Code(
        f"{LIFE}.decide:_decide",
        "return d if ticket is not None else decider(d, command)",
        "return decider(d, command)",
        ("art-06",),
    ),
    Code(f"{LIFE}.handling:decide_extension", "accepted_elsewhere:", "False:", ("art-04",)),
    Code(f"{LIFE}.closing:log_contact", "!= d.known.contacts + 1", "== 0", ("art-09",)),
    Code(f"{LIFE}.closing:close_ticket", "if not holds[command.resolution]", "if False", ("art-09",)),
    Code(
        f"{LIFE}.closing:judge_dissatisfaction",
        "Stage.EXPLAINED if command.justified",
        "Stage.EXPLAINED if True",
        ("art-09",),
    ),
    # ------------------------------------------------------------ the door, the directory, the knowledge base
    Code(f"{LIFE}.dispatching:open_ticket", "call_number=number", 'call_number="911"', ("art-02",)),
    Code(f"{LIFE}.dispatching:open_ticket", "case Lane.EMERGENCY", "case Lane.KNOWLEDGE_BASE if False", ("art-02",)),
    Code(
        f"{LIFE}.dispatching:open_ticket",
        "stage=Stage.DECLINED, code=code",
        'stage=Stage.DECLINED, code="x"',
        ("art-02",),
    ),
    Code("services.core.directory:Directory.place", "self.unit(category.unit)", 'self.unit("U-URBAN")', ("art-06",)),
    Code("services.core.directory:Directory.place", "if category.by_area", "if False", ("art-06",)),
    Code(
        "services.core.directory:Directory.last_resort",
        "found = self.unit(area.unit) if area else None",
        "found = None",
        ("art-07",),
    ),
    Code("services.core.knowledge:KnowledgeBase.match", '"".join(title.split())', "title", ("art-08",)),
    Code("services.intake.door:open_command", "if article else lane", "if False else lane", ("art-08",)),
    Code("services.intake.door:open_command", "said.kind is Kind.CONSULTATION and", "", ("art-08",)),
    # ------------------------------------------------------------ review, revisit, supervision
    Code("services.core.reply_review:defects", "reply.handler is None", "False", ("art-12",)),
    Code("services.core.reply_review:defects", "reply.responsible is None", "False", ("art-12",)),
    Code("services.core.reply_review:defects", "reply.points_answered < reply.points", "False", ("art-12",)),
    Code("services.core.reply_review:defects", "and reply.basis is None", "", ("art-12",)),
    Code("services.core.reply_review:defects", "reply.template_digest in earlier_digests", "False", ("art-12",)),
    Code("services.core.reply_review:defects", "reply.empty_phrases > 0", "False", ("art-12",)),
    Code("services.core.reply_review:defects", "reply.result is ReplyResult.PROMISED", "False", ("art-12",)),
    Code(f"{LIFE}.handling:review_reply", "if command.defects", "if False", ("art-12",)),
    Code(f"{LIFE}.handling:review_reply", "if command.defects", "if not command.defects", ("art-05", "art-12")),
    Code(f"{LIFE}.dispatching:decide_return", "if not command.upheld", "if False", ("art-07", "art-15")),
    Code(f"{LIFE}.closing:close_ticket", "{Rating.SATISFIED, Rating.BASICALLY_SATISFIED}", "{None}", ("art-09",)),
    Code(f"{LIFE}.closing:withdraw_ticket", "clocks.cancel_all(d.known, command.time)", "()", ("art-09",)),
    Code("services.reminder.service:_still_due", "if isinstance(event, BreachWithdrawn)", "if False", ("art-10",)),
    Code("services.reminder.service:handle", "None if rung in reminded else reached", "reached", ("art-10",)),
    Code("services.revisit.service:_contact", "(attempt - 1) % len(channels)", "0", ("art-09",)),
    Code("services.intake.door:_without_text", '["content_ref"] = ref', '["content_ref"] = text', ("art-13",)),
    Code("services.scoring.units:_flags", "if count != threshold", "if count < threshold", ("art-15",)),
    Code("services.scoring.units:_counted", "said.rating is not Rating.DISSATISFIED", "True", ("art-15",)),
    Code("services.scoring.units:score_of", "counts.dispatched < rules.min_sample", "False", ("art-15",)),
)
"""Another program."""
PLANTS = RULES + CODE
