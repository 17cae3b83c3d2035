/* A pendulum whose force is a trained network: x'' = u(x), from x = 1 at rest (README.md). C99. */
#include <stdio.h>
#include <time.h>

void netc_predict(const double *inputs, double *outputs);
void netc_derivative(const double *inputs, double *derivative);

int main(void)
{
    const double h = 1e-3;
    double x = 1, v = 0, force, period = 0, slope, zero = 0;
    long calls = 1;
    const clock_t start = clock();

    /* velocity Verlet until v changes its sign twice: a period */
    netc_predict(&x, &force);
    for (int turns = 0; turns < 2 && calls < 1000000; calls++) {
        const double before = v + h / 2 * force;
        const double old = v;
        x += h * before;
        netc_predict(&x, &force);
        v = before + h / 2 * force;
        period += h;
        turns += (old < 0 && v >= 0) || (old > 0 && v <= 0);
    }
    const double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;

    netc_derivative(&zero, &slope);
    printf("period %.3f\n", period);
    printf("stiffness at rest %.4f\n", -slope);
    fprintf(stderr, "%.0f ns a call\n", 1e9 * seconds / (double)calls);
    return 0;
}
