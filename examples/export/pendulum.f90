! A pendulum whose force is a trained network: x'' = u(x), from x = 1 at rest (README.md). Fortran 2008.
program pendulum
  use, intrinsic :: iso_fortran_env, only: dp => real64
  use netc_model, only: predict, derivative
  implicit none
  real(dp), parameter :: h = 1e-3_dp
  real(dp) :: x(1), v, force(1), before, old, period, slope(1, 1)
  integer :: turns, calls

  x = 1
  v = 0
  period = 0
  turns = 0
  ! velocity Verlet until v changes its sign twice: a period
  call predict(x, force)
  do calls = 1, 1000000
    before = v + h / 2 * force(1)
    old = v
    x = x + h * before
    call predict(x, force)
    v = before + h / 2 * force(1)
    period = period + h
    if ((old < 0 .and. v >= 0) .or. (old > 0 .and. v <= 0)) turns = turns + 1
    if (turns == 2) exit
  end do

  call derivative([0.0_dp], slope)
  print '(a, f0.3)', 'period ', period
  print '(a, f0.4)', 'stiffness at rest ', -slope(1, 1)
end program pendulum
