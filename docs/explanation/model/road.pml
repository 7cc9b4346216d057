/* The road of one action, with two replicas on one database.
 *
 * Checked exhaustively by spin: see ../the-model.md for what each step stands for and what is left out.
 * Each WITHOUT_… removes one guard; the checker must then find an error, or the model could not fail.
 */

#define NOBODY 2   /* the lease is free or has lapsed; 0 and 1 are the replicas */
#define CRASHES 2  /* how many crashes one history may hold */

mtype:action = { absent, requested, held, approved, waiting, started, in_doubt,
                 performed, refused, denied, rejected, expired, superseded, cancelled };
mtype:ticket = { none, open, granted, spent, stale, refuted, lapsed, withdrawn };
mtype:reply  = { silence, done, no };

/* What is durable: one row, one ticket, one stop. */
mtype:action action = absent;
mtype:ticket ticket = none;
bit asked = 0;                 /* the question the newest ticket asks */
bool stop = false;
byte lease = NOBODY;

/* The world: the state a question is about, and the target with what is on its way to it. */
bit question = 0;
bool in_flight = false;
bit sent_for = 0;              /* the state the call names: a merge is sent with its head */
byte effects = 0;
bool visible = false;          /* whether a later look finds the effect */
mtype:reply reply = silence;
bool settled = false;          /* so long after the start that whatever was sent has arrived and can be found */

/* What nobody in the system reads: the history, for the properties. */
byte rows = 0;
byte starts = 0;
bool meant[2] = false;         /* a person approved exactly this question */
bool answered_no = false;
bool needs_approval = false;
byte crashes = 0;

#define LIVE   (ticket == open || ticket == granted)
#define BEFORE (action == requested || action == held || action == approved || action == waiting)
#define FINAL  (action == performed || action == refused || action == denied || action == rejected || \
                action == expired || action == superseded || action == cancelled)
#define CRASH  if :: true :: atomic { crashes < CRASHES -> crashes++; goto down } fi

inline close_ticket(how) { if :: LIVE -> ticket = how :: else fi }

proctype Replica(byte me) {
  bool stopped, may, moved, was_settled, found, sent;
  bit judged;
  mtype:reply heard;

idle:
  atomic { stopped = false; may = false; moved = false; was_settled = false; found = false; sent = false;
           judged = 0; heard = silence }
  do
  :: atomic {                                        /* Ledger.admit: one row per idempotency key */
#ifdef WITHOUT_IDEMPOTENCY
       rows < 2 && (action == absent || starts > 0) ->
#else
       action == absent ->
#endif
       rows++; action = requested; lease = me; assert(rows == 1) } goto judge
  :: atomic { lease == NOBODY && (action == requested || action == approved || action == waiting) ->
              lease = me } goto judge                /* Poller.look */
  :: atomic { lease == NOBODY && action == started -> lease = me } goto doubt
  :: atomic { lease == NOBODY && action == in_doubt -> lease = me } goto look
  :: FINAL -> goto end_of_work
  od;

judge:                                               /* Judge.judge: reads, writes nothing */
  CRASH;
  atomic { stopped = stop; judged = question;
           may = (!needs_approval || (ticket == granted && asked == question));
           moved = (ticket == granted && asked != question) }
  CRASH;
  if
  :: stopped -> goto wait
  :: !stopped && may -> goto start
  :: !stopped && !may -> goto hold
  :: true -> goto deny                               /* the policy may always say no, and wait */
  :: !moved -> goto wait
  :: moved -> goto supersede                         /* the action names the state that moved */
  fi;

supersede:                                           /* Supersede: a new proposal opens the successor */
  atomic { if :: BEFORE -> action = superseded; close_ticket(stale) :: else fi; goto idle }

deny:
  atomic { if :: BEFORE -> action = denied; close_ticket(withdrawn) :: else fi; goto idle }

wait:
  atomic { if :: action == requested || action == approved || action == waiting -> action = waiting; lease = NOBODY
              :: else fi; goto idle }

hold:                                                /* Hold: the ticket before it, if any, is stale */
  atomic { if :: BEFORE -> close_ticket(stale); action = held; ticket = open; asked = judged; lease = NOBODY
              :: else fi; goto idle }

start:                                               /* starting.start: every guard inside one unit */
  atomic {
    if
#ifdef WITHOUT_STOP_GUARD
    :: (action == requested || action == approved || action == waiting) &&
#else
    :: !stop && (action == requested || action == approved || action == waiting) &&
#endif
#ifdef WITHOUT_SPENDING
       true ->
#else
       ((ticket == granted && asked == judged) || (!needs_approval && !LIVE)) ->
       close_ticket(spent);
#endif
       action = started; lease = me; starts++;
       assert(!stop);
       assert(starts == 1);
       assert(!needs_approval || meant[judged]);
       assert(!answered_no)
    :: else -> goto idle
    fi }
  CRASH;

act:                                                 /* acting.act: one call, in time or not at all */
  atomic {
    if
#ifdef WITHOUT_DEADLINE
    :: true ->
#else
    :: lease == me ->
#endif
       in_flight = true; sent_for = judged; sent = true
    :: else -> heard = no                            /* too late: nothing is sent */
    fi }
  CRASH;
  if
  :: sent && reply != silence -> heard = reply
  :: sent -> heard = silence                         /* the reply is lost, or does not come in time */
  :: !sent -> heard = no
  fi;
  CRASH;

finish:                                              /* Finish, guarded by the life cycle */
  atomic {
    if
    :: heard == done && (action == started || action == in_doubt) -> action = performed; lease = NOBODY
    :: heard == no && (action == started || action == in_doubt) -> action = refused; lease = NOBODY
    :: heard == silence && action == started -> action = in_doubt; lease = NOBODY
    :: else
    fi;
    goto idle }

doubt:                                               /* Road._reconcile: a start without an end */
  atomic { if :: action == started -> action = in_doubt :: else fi }
#ifdef WITHOUT_LOOKING
  atomic { if :: action == in_doubt -> action = requested; lease = NOBODY :: else fi; goto idle }
#endif
  CRASH;

look:                                                /* reconciling.look_again: settled first, then look */
#ifdef WITHOUT_SETTLING
  was_settled = true;
#else
#ifndef WITHOUT_ORDER
  was_settled = settled;
#endif
#endif
  CRASH;
  found = visible;
#ifdef WITHOUT_ORDER
  was_settled = settled;
#endif
  CRASH;
  atomic {
    if
    :: found && action == in_doubt -> action = performed; lease = NOBODY
    :: !found && was_settled && action == in_doubt -> action = refused; lease = NOBODY
    :: else -> if :: lease == me -> lease = NOBODY :: else fi
    fi;
    goto idle }

down:                                                /* all that was in memory is gone */
  goto idle;

end_of_work:
  skip
}

active proctype Target() {
end:
  do
  :: atomic { in_flight ->
       if
#ifdef WITHOUT_EXPECTED_HEAD
       :: true ->
#else
       :: sent_for == question ->
#endif
            assert(action != absent && starts == 1);           /* no record, no action */
            assert(effects == 0);                              /* at most once */
            assert(!needs_approval || meant[question]);        /* what was approved, not what it became */
            effects++; in_flight = false; reply = done
       :: in_flight = false; reply = no
       :: in_flight = false                                    /* it never arrived */
       fi }
  :: atomic { effects > 0 && !visible -> visible = true }      /* a search that lags */
  od
}

active proctype Time() {
end:
  do
  :: atomic { lease != NOBODY -> lease = NOBODY }              /* a lease lapses, its holder working or not */
  :: atomic { !settled && (action == started || action == in_doubt) && !in_flight && lease == NOBODY &&
              (effects == 0 || visible) -> settled = true }
  :: atomic { LIVE && (action == held || action == approved || action == waiting) ->
              ticket = lapsed; action = expired }
  od
}

active proctype Person() {
  bit saw;
  byte votes = 0;
end:
  do
  :: atomic { ticket == open && votes < 2 -> saw = asked; votes++ }
     if
     :: atomic {                                               /* approve, bound to the question's digest */
#ifdef WITHOUT_DIGEST
          ticket == open ->
#else
#ifdef WITHOUT_TICKET_LIFE
          asked == saw ->
#else
          ticket == open && asked == saw ->
#endif
#endif
          meant[saw] = true; ticket = granted; if :: action == held -> action = approved :: else fi }
     :: atomic {
          ticket == open && asked == saw -> answered_no = true; ticket = refuted; action = rejected }
     :: true                                                   /* silence */
     fi
  od
}

active proctype Operator() {
end:
  atomic { true -> stop = true };
  atomic { true -> stop = false }
}

active proctype Owner() {
  if
  :: atomic { BEFORE -> close_ticket(withdrawn); action = cancelled }
  :: true
  fi
}

active proctype World() {
  if :: question = 1 :: true fi
}

init {
  atomic {
    if :: needs_approval = true :: needs_approval = false fi;
    run Replica(0); run Replica(1)
  }
}

#define REFUSED_DID_NOTHING (action != refused || effects == 0)
#define PERFORMED_HAPPENED  (action != performed || effects == 1)
#define NOTHING_LEFT_TO_USE (!(action == started || action == in_doubt || FINAL) || !LIVE)

ltl always { [] (REFUSED_DID_NOTHING && PERFORMED_HAPPENED && NOTHING_LEFT_TO_USE) }
ltl spent_stays_spent { [] (ticket == spent -> [] (ticket == spent)) }
ltl ends_or_is_listed { [] (action == started -> <> (action != started)) }
